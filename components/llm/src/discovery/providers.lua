-- Provider entries (`meta.type: llm.provider`) and opening the driver binding that one names.

local registry = require("registry")
local contract = require("contract")

local providers = {}

-- Replaceable in tests.
providers._registry = registry
providers._contract = contract

local PROVIDER_CONTRACT = "wippy.llm:provider"

local function card_of(entry)
  local meta, body = entry.meta or {}, entry.data or {}
  return {
    id = entry.id,
    name = meta.name or "",
    title = meta.title or "",
    description = meta.comment or "",
    driver_id = body.driver and body.driver.id,
  }
end

--- All providers, by name.
function providers.get_all()
  local entries, err = providers._registry.find({ [".kind"] = "registry.entry", ["meta.type"] = "llm.provider" })
  if err then return nil, "Registry error: " .. tostring(err) end
  local cards = {}
  for _, entry in ipairs(entries or {}) do cards[#cards + 1] = card_of(entry) end
  table.sort(cards, function(a, b) return a.name < b.name end)
  return cards
end

local function driver_of(provider_id)
  if not provider_id or provider_id == "" then return nil, "Provider ID is required" end
  local entry = providers._registry.get(provider_id)
  if not entry then return nil, "Provider not found: " .. tostring(provider_id) end
  if not entry.meta or entry.meta.type ~= "llm.provider" then
    return nil, "Entry is not a provider: " .. tostring(provider_id)
  end
  local driver = type(entry.data) == "table" and entry.data.driver
  if type(driver) ~= "table" or not driver.id then
    return nil, "Provider missing driver configuration: " .. tostring(provider_id)
  end
  return driver
end

local function overlay(base, overrides)
  local merged = {}
  for key, value in pairs(base or {}) do merged[key] = value end
  for key, value in pairs(overrides or {}) do merged[key] = value end
  return merged
end

--- An instance of the provider's driver, with the driver's options overlaid by `overrides` as its context.
--- `retry` becomes a call option: the runtime repeats calls that failed with a retryable error.
function providers.open(provider_id, overrides)
  local driver, driver_err = driver_of(provider_id)
  if not driver then return nil, driver_err end

  local opener, err = providers._contract.get(PROVIDER_CONTRACT)
  if err or not opener then return nil, "Failed to get provider contract: " .. tostring(err) end

  local context = overlay(driver.options, overrides)
  local retry = context.retry
  context.retry = nil
  opener, err = opener:with_context(context)
  if not opener then return nil, "Failed to open provider binding: " .. tostring(err) end
  if retry ~= nil then opener = opener:with_options({ retry = retry }) end

  local instance, open_err = opener:open(driver.id)
  if open_err or not instance then return nil, "Failed to open provider binding: " .. tostring(open_err) end
  return instance
end

return providers
