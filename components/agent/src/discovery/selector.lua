-- Chooses the agent of a class that fits a request best, by asking a model.

local llm = require("llm")
local prompt = require("prompt")
local agent_registry = require("agent_registry")

local selector = {}

-- Replaceable in tests.
selector._llm = llm
selector._agent_registry = agent_registry

local MODEL = "gpt-4.1"

local INSTRUCTIONS = "You choose the agent that fits a request best. Answer with the id of one agent of the list, and say in "
  .. "one sentence why. If none fits, answer with success false."

local SCHEMA = {
  type = "object",
  properties = {
    success = { type = "boolean" },
    agent = { type = "string", description = "Id of the chosen agent; empty without one" },
    reason = { type = "string" },
  },
  required = { "success", "agent", "reason" },
  additionalProperties = false,
}

local function describe(agents)
  local lines = {}
  for _, agent in ipairs(agents) do
    lines[#lines + 1] = string.format("- %s (%s): %s", agent.id, agent.title ~= "" and agent.title or agent.name, agent.description)
  end
  return table.concat(lines, "\n")
end

local function is_listed(agents, id)
  for _, agent in ipairs(agents) do
    if agent.id == id then return true end
  end
  return false
end

local function failed(message)
  return { success = false, error = message }
end

--- Input { user_prompt, class_name }. Output { success, agent?, reason?, error? }.
function selector.execute(input)
  input = input or {}
  if not input.user_prompt or input.user_prompt == "" then return failed("user_prompt is required") end
  if not input.class_name or input.class_name == "" then return failed("class_name is required") end
  local agents, err = selector._agent_registry.list_by_class(input.class_name)
  if not agents then return failed(err) end
  if #agents == 0 then return failed("No agents found for class: " .. input.class_name) end

  local question = prompt.with_system(INSTRUCTIONS .. "\n\nAgents:\n" .. describe(agents)):add_user(input.user_prompt)
  local response, llm_err = selector._llm.structured_output(SCHEMA, question, { model = MODEL, temperature = 0 })
  if llm_err then return failed(tostring(llm_err)) end
  local choice = response.result or {}
  if not choice.success then return failed(choice.reason or "No agent fits") end
  if not is_listed(agents, choice.agent) then return failed("Unknown agent chosen: " .. tostring(choice.agent)) end
  return { success = true, agent = choice.agent, reason = choice.reason }
end

return selector
