-- Binding of wippy.llm:model_resolver: the rehearsal card for an OpenAI model when nothing is configured, else nothing.

local notice = require("notice")
local models = require("models")

local STANDS_IN_FOR = "wippy.llm.openai:provider"

local function card_of(name)
  local class_name = name:match("^class:(.+)$")
  local card = not class_name and models.get_by_name(name) or nil
  if card then return card end
  local cards = models.get_by_class(class_name or name)
  return cards and cards[1]
end

--- Input { model }. Output a model card, or nil to let the registry decide.
local function resolve(input)
  if not notice.active() then return nil end
  local card = card_of(tostring(input.model))
  local provider = card and card.providers and card.providers[1]
  if not provider or provider.id ~= STANDS_IN_FOR then return nil end
  return {
    id = "wippy.rehearsal:provider",
    name = card.name,
    title = "Rehearsal (offline, rule-based), standing in for " .. (card.title ~= "" and card.title or card.name),
    description = "A few rules, not a language model",
    capabilities = { "generate", "tool_use" },
    class = card.class,
    priority = card.priority,
    max_tokens = card.max_tokens,
    output_tokens = card.output_tokens,
    pricing = { input = 0, output = 0 },
    providers = { { id = "wippy.rehearsal:provider", provider_model = "rehearsal" } },
  }
end

return { resolve = resolve }
