-- Evaluates with the caller's rights; errors as text: for tests of permissions.
local runner = require("eval_runner")

local function run(options)
  local value, err
  if options.compile then
    value, err = runner.compile(options.source)
  else
    value, err = runner.run(options)
  end
  if err then return { kind = err:kind(), text = tostring(err) } end
  return { value = value }
end

return { run = run }
