-- What answers the contract.
local ctx = ctx

local function greet(name)
  local all = ctx.all()
  return { text = (all.title or "dear") .. " " .. tostring(name), context = all }
end

local function fail()
  return nil, errors.new({ message = "no luck", kind = errors.CONFLICT, retryable = false })
end

return { greet = greet, fail = fail }
