-- Test entries of the registry: whatever has `meta.type: test`.

local base_registry = require("base_registry")

local registry = {}

-- Replaceable in tests.
registry._registry = base_registry

--- All test entries, or nil and an error.
function registry.find_tests()
  local snapshot, err = registry._registry.snapshot()
  if not snapshot then return nil, err end
  return snapshot:find({ ["meta.type"] = "test" })
end

return registry
