-- Assertions. Each raises at the line of the test that called it, as "<your message or 'assertion failed'>: <what was wrong>".

local assertions = {}

local CALLER = 3 -- failed <- assertion <- test

local function show(value)
  if type(value) == "string" then return string.format("%q", value) end
  return tostring(value)
end

local function failed(message, what, level)
  error((message or "assertion failed") .. ": " .. what, level or CALLER)
end

function assertions.eq(actual, expected, message)
  if actual ~= expected then failed(message, "expected " .. show(expected) .. ", got " .. show(actual)) end
end

function assertions.neq(actual, unexpected, message)
  if actual == unexpected then failed(message, "expected anything but " .. show(unexpected)) end
end

function assertions.ok(value, message)
  if not value then failed(message, "expected truthy value, got " .. show(value)) end
  return value
end

function assertions.fail(message)
  error(message or "assertion failed", 2)
end

function assertions.is_nil(value, message)
  if value ~= nil then failed(message, "expected nil, got " .. show(value)) end
end

function assertions.not_nil(value, message)
  if value == nil then failed(message, "expected non-nil value") end
  return value
end

function assertions.is_true(value, message)
  if value ~= true then failed(message, "expected true, got " .. show(value)) end
end

function assertions.is_false(value, message)
  if value ~= false then failed(message, "expected false, got " .. show(value)) end
end

for _, name in ipairs({ "string", "number", "table", "boolean", "function" }) do
  assertions["is_" .. name] = function(value, message)
    if type(value) ~= name then failed(message, "expected " .. name .. ", got " .. type(value)) end
    return value
  end
end

--- The text has `part` in it, letter by letter.
function assertions.contains(text, part, message)
  if type(text) ~= "string" or not text:find(tostring(part), 1, true) then
    failed(message, "expected string to contain '" .. tostring(part) .. "', got " .. show(text))
  end
  return text
end

--- The text matches a Lua pattern.
function assertions.matches(text, pattern, message)
  if type(text) ~= "string" or not text:find(pattern) then
    failed(message, "expected string to match '" .. tostring(pattern) .. "', got " .. show(text))
  end
  return text
end

function assertions.has_key(value, key, message)
  if type(value) ~= "table" or value[key] == nil then failed(message, "expected key " .. show(key)) end
  return value[key]
end

function assertions.len(value, length, message)
  local actual = (type(value) == "table" or type(value) == "string") and #value or nil
  if actual ~= length then failed(message, "expected length " .. show(length) .. ", got " .. show(actual)) end
end

local function compared(name, words, holds)
  assertions[name] = function(actual, bound, message)
    if not holds(actual, bound) then failed(message, "expected " .. show(actual) .. words .. show(bound)) end
  end
end

compared("gt", " > ", function(a, b) return a > b end)
compared("gte", " >= ", function(a, b) return a >= b end)
compared("lt", " < ", function(a, b) return a < b end)
compared("lte", " <= ", function(a, b) return a <= b end)

--- The function raises; gives what it raised.
function assertions.throws(fn, message)
  local ok, err = pcall(fn)
  if ok then failed(message, "expected function to raise an error") end
  return err
end

--- For `nil, err` results: there is an error, and no value. Gives the error.
function assertions.has_error(value, err, message)
  if err == nil then failed(message, "expected an error, got value " .. show(value)) end
  if value ~= nil then failed(message, "expected no value beside the error, got " .. show(value)) end
  return err
end

--- For `value, err` results: there is no error. Gives the value.
function assertions.no_error(value, err, message)
  if err ~= nil then failed(message, "unexpected error: " .. tostring(err)) end
  return value
end

return assertions
