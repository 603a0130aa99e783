-- Functions to be called.
local function echo(...)
  return { n = select("#", ...), values = { ... } }
end

local function nothing() end

local function several()
  return 1, nil, 3
end

local function raises()
  error("boom")
end

local function fails_with_text()
  return nil, "it is text"
end

local function fails_with_error()
  return nil, errors.new({ message = "no", kind = errors.NOT_FOUND, retryable = true, details = { id = 7 } })
end

local function second_is_plain()
  return "value", 5
end

local function slow(duration, value)
  require("time").sleep(duration)
  return value
end

local function identity()
  return { pid = process.pid(), id = process.id() }
end

return {
  echo = echo, nothing = nothing, several = several, raises = raises, fails_with_text = fails_with_text,
  fails_with_error = fails_with_error, second_is_plain = second_is_plain, slow = slow, identity = identity,
}
