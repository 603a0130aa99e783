-- The conversation builder: messages in, the array that drivers read out. It knows no provider and sends nothing.

local json = require("json")

local prompt = {}

prompt.ROLE = {
  SYSTEM = "system",
  USER = "user",
  ASSISTANT = "assistant",
  DEVELOPER = "developer",
  FUNCTION_CALL = "function_call",
  FUNCTION_RESULT = "function_result",
  CACHE_MARKER = "cache_marker",
}

prompt.CONTENT_TYPE = { TEXT = "text", IMAGE = "image", DOCUMENT = "document" }

local ROLE, CONTENT_TYPE = prompt.ROLE, prompt.CONTENT_TYPE

-- Parts -------------------------------------------------------------------------------------------------------------

function prompt.text(text)
  return { type = CONTENT_TYPE.TEXT, text = text }
end

function prompt.image(url, mime_type)
  return { type = CONTENT_TYPE.IMAGE, source = { type = "url", url = url, mime_type = mime_type } }
end

function prompt.image_base64(mime_type, data)
  return { type = CONTENT_TYPE.IMAGE, source = { type = "base64", mime_type = mime_type, data = data } }
end

function prompt.document_base64(mime_type, data)
  return { type = CONTENT_TYPE.DOCUMENT, source = { type = "base64", mime_type = mime_type, data = data } }
end

-- Builder -----------------------------------------------------------------------------------------------------------

local Builder = {}
Builder.__index = Builder

local function deep_copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = deep_copy(item) end
  return copy
end

--- A new conversation, holding `messages` when given.
function prompt.new(messages)
  return setmetatable({ messages = messages or {} }, Builder)
end

--- A new conversation that opens with a system message.
function prompt.with_system(text)
  return prompt.new():add_system(text)
end

local MERGED_ROLES = { [ROLE.SYSTEM] = true, [ROLE.USER] = true, [ROLE.ASSISTANT] = true, [ROLE.DEVELOPER] = true }

-- Text that follows text becomes one part, with a blank line between; anything else stays a part of its own.
local function append_parts(content, parts)
  for _, part in ipairs(parts) do
    local last = content[#content]
    local joins = last and last.type == CONTENT_TYPE.TEXT and part.type == CONTENT_TYPE.TEXT
    if joins and type(last.text) == "string" and type(part.text) == "string" then
      content[#content] = prompt.text(last.text .. "\n\n" .. part.text)
    else
      content[#content + 1] = part
    end
  end
end

local function keep_metadata(message, metadata)
  if type(metadata) ~= "table" then return end
  message.metadata = message.metadata or {}
  for key, value in pairs(metadata) do
    if message.metadata[key] == nil then message.metadata[key] = value end
  end
end

--- Adds a message of `parts`. Neighbours of one role and name become one message; an empty list adds nothing.
function Builder:add_message(role, parts, name, metadata)
  if not role or type(parts) ~= "table" or #parts == 0 then return self end
  local last = self.messages[#self.messages]
  if last and MERGED_ROLES[role] and last.role == role and last.name == name then
    append_parts(last.content, parts)
    keep_metadata(last, metadata)
    return self
  end
  local content = {}
  append_parts(content, parts)
  self.messages[#self.messages + 1] = { role = role, content = content, name = name, metadata = metadata }
  return self
end

function Builder:add_system(text, metadata)
  if not text or text == "" then return self end
  return self:add_message(ROLE.SYSTEM, { prompt.text(text) }, nil, metadata)
end

function Builder:add_developer(text, metadata)
  if not text or text == "" then return self end
  return self:add_message(ROLE.DEVELOPER, { prompt.text(text) }, nil, metadata)
end

function Builder:add_user(text, metadata)
  return self:add_message(ROLE.USER, { prompt.text(text) }, nil, metadata)
end

function Builder:add_assistant(text, metadata)
  return self:add_message(ROLE.ASSISTANT, { prompt.text(text) }, nil, metadata)
end

--- A tool call of the model. `arguments` is JSON text or a table; `options.provider_metadata` travels back to its driver.
function Builder:add_function_call(name, arguments, id, options)
  if not name or not arguments then return self end
  self.messages[#self.messages + 1] = {
    role = ROLE.FUNCTION_CALL,
    content = {},
    function_call = {
      name = name,
      arguments = arguments,
      id = id,
      provider_metadata = options and options.provider_metadata,
    },
  }
  return self
end

--- What the tool answered: text, or a table that is sent as JSON. Its `_images` become a user message after the results.
function Builder:add_function_result(name, content, id)
  if not name or not content then return self end
  self.messages[#self.messages + 1] = {
    role = ROLE.FUNCTION_RESULT,
    name = name,
    content = { prompt.text(content) },
    function_call_id = id,
  }
  return self
end

--- Everything before the marker may be cached by a provider that wants to be told.
function Builder:add_cache_marker(id)
  self.messages[#self.messages + 1] = { role = ROLE.CACHE_MARKER, marker_id = id or "default" }
  return self
end

-- Reading -----------------------------------------------------------------------------------------------------------

local IMAGES_NOTE = " (see image results below)"

local function image_part(image)
  if type(image) ~= "table" then return nil end
  if image.source then return { type = CONTENT_TYPE.IMAGE, source = deep_copy(image.source) } end
  if image.data then return prompt.image_base64(image.mime_type or image.media_type, image.data) end
  if image.url then return prompt.image(image.url, image.mime_type) end
  return nil
end

-- The payload of a result as a table, if it can carry images; nothing is decoded without need.
local function image_payload(payload)
  if type(payload) == "table" then return payload._images and payload or nil end
  if type(payload) ~= "string" or not payload:find('"_images"', 1, true) then return nil end
  local decoded = json.decode(payload)
  if type(decoded) == "table" and type(decoded._images) == "table" then return decoded end
  return nil
end

-- The message as a driver gets it: text content, images taken out into `images`.
local function readable_result(message, images)
  local payload = message.content[1] and message.content[1].text
  local with_images = image_payload(payload)
  if not with_images and type(payload) ~= "table" then return message end

  local body = payload
  if with_images then
    body = {}
    for key, value in pairs(with_images) do
      if key ~= "_images" then body[key] = value end
    end
    if type(body.result) == "string" then body.result = body.result .. IMAGES_NOTE end
    for _, image in ipairs(with_images._images) do images[#images + 1] = image_part(image) end
  end
  local copy = {}
  for key, value in pairs(message) do copy[key] = value end
  copy.content = { prompt.text(next(body) == nil and "{}" or json.encode(body)) }
  return copy
end

--- The messages for a driver. Images that tools returned follow the run of calls and results as one user message.
function Builder:get_messages()
  local out, images = {}, {}
  local function flush_images()
    if #images == 0 then return end
    out[#out + 1] = { role = ROLE.USER, content = images }
    images = {}
  end
  for _, message in ipairs(self.messages) do
    if message.role == ROLE.FUNCTION_RESULT then
      out[#out + 1] = readable_result(message, images)
    else
      if message.role ~= ROLE.FUNCTION_CALL then flush_images() end
      out[#out + 1] = message
    end
  end
  flush_images()
  return out
end

--- What `llm.generate` takes.
function Builder:build()
  return { messages = self:get_messages() }
end

--- A conversation that shares nothing with this one.
function Builder:clone()
  return prompt.new(deep_copy(self.messages))
end

function Builder:clear()
  self.messages = {}
  return self
end

return prompt
