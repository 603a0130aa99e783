-- Status of the rehearsal provider.

local function handler()
  return { success = true, status = "healthy", message = "Rehearsal model: offline, rule-based" }
end

return { handler = handler }
