-- The tool of the tutorial that says what may be loaded, as it is shown there.
local registry = require("registry")
local function handler(input)
  local entry, err = registry.get(input.id)
  if err then
    return { error = tostring(err) }
  end
  if not entry then
    return { error = "not found: " .. input.id }
  end
  if not entry.meta or entry.meta.type ~= "tool" then
    return { error = "not a tool (meta.type != 'tool'): " .. input.id }
  end
  return {
    loaded = true,
    id = entry.id,
    alias = entry.meta.llm_alias or input.id,
    description = entry.meta.llm_description or "",
  }
end
return { handler = handler }
