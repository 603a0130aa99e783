-- Calls `system.<group>.<name>` and gives what it answers, errors as text: for tests of permissions.
local system = require("system")

local function ask(path, argument)
  local at = system
  for name in path:gmatch("[^.]+") do at = at[name] end
  local value, err = at(argument)
  if err then return { kind = err:kind(), text = tostring(err) } end
  return { value = value }
end

return { ask = ask }
