-- What a callee sees of the context.
local ctx = require("ctx")

local function read()
  return ctx.all()
end

local function relay(values)
  local funcs = require("funcs")
  return funcs.new():with_context(values):call("app:read")
end

return { read = read, relay = relay }
