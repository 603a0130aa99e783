-- Compression: checks, the direct way, the way in pieces, refinement.

local test = require("test")
local compress = require("compress")

local originals = { compress._models, compress._llm, compress._text }
local CARD = { max_tokens = 4000, output_tokens = 1000 }
local asked, answers

local function use()
  asked, answers = {}, {}
  compress._models = {
    get_by_name = function(name)
      if name == "m" then return CARD end
      return nil, "No model found with name: " .. name
    end,
  }
  compress._llm = {
    generate = function(prompt, options)
      asked[#asked + 1] = { prompt = prompt, options = options }
      local answer = table.remove(answers, 1)
      if type(answer) == "table" then return nil, answer.err end
      return { result = answer }
    end,
  }
  compress._text = {
    splitter = {
      recursive = function(options)
        return {
          split_text = function(_, content)
            local chunks = {}
            for i = 1, #content, options.chunk_size do
              chunks[#chunks + 1] = content:sub(i, i + options.chunk_size - 1)
            end
            return chunks
          end,
        }
      end,
    },
  }
end

local function restore()
  compress._models, compress._llm, compress._text = originals[1], originals[2], originals[3]
end

local function problem(...)
  local text, err = compress.to_size(...)
  test.is_nil(text)
  return err
end

local function define()
  describe("to_size", function()
    before_each(use)
    after_each(restore)

    it("checks its arguments in order", function()
      test.eq(problem("", "x", 100), "Model name is required")
      test.eq(problem("m", "", 100), "Content is required")
      test.eq(problem("m", "x", 0), "Target size must be a positive number")
      test.contains(problem("n", "x", 100), "Model not found: ")
      test.eq(problem("m", "x", 49), "Target size 49 is too small (minimum: 50 characters)")
      test.eq(problem("m", "x", 3201), "Target size 3201 is too large for model (max reasonable: 3200 characters)")
    end)

    it("returns what fits without asking", function()
      test.eq(compress.to_size("m", "short", 100), "short")
      test.len(asked, 0)
    end)

    it("asks once when the text fits the window and the answer the target", function()
      answers = { ("s"):rep(100) }
      test.eq(compress.to_size("m", ("x"):rep(500) .. "100%", 100), ("s"):rep(100))
      test.len(asked, 1)
      test.eq(asked[1].options.temperature, 0.2)
      test.eq(asked[1].options.max_tokens, 225)
      test.contains(asked[1].prompt, "100%")
    end)

    it("asks again, twice at most, for a better length", function()
      answers = { ("s"):rep(300), ("s"):rep(200), ("s"):rep(150), ("s"):rep(100) }
      test.eq(compress.to_size("m", ("x"):rep(500), 100), ("s"):rep(150))
      test.len(asked, 3)
      test.eq(asked[2].options.temperature, 0.1)
    end)

    it("keeps the last good text when refining fails", function()
      answers = { ("s"):rep(300), { err = "down" } }
      test.eq(compress.to_size("m", ("x"):rep(500), 100), ("s"):rep(300))
    end)

    it("does not refine when told not to", function()
      answers = { ("s"):rep(300) }
      compress.to_size("m", ("x"):rep(500), 100, { skip_refinement = true })
      test.len(asked, 1)
    end)

    it("works in pieces when the text is longer than the window", function()
      answers = { "one", "two", ("s"):rep(100) }
      -- usable: (4000 - 1000 - 500) * 4 * 0.9 = 9000; pieces of 5400
      test.eq(compress.to_size("m", ("x"):rep(10000), 100), ("s"):rep(100))
      test.len(asked, 3)
      test.contains(asked[3].prompt, "one\n\ntwo")
      test.eq(asked[3].options.temperature, 0.1)
    end)

    it("names the step that failed", function()
      answers = { { err = "down" } }
      test.eq(problem("m", ("x"):rep(500), 100), "Direct compression failed: down")
      answers = { "" }
      test.eq(problem("m", ("x"):rep(500), 100), "Model returned empty response")
      answers = { "one", { err = "down" } }
      test.eq(problem("m", ("x"):rep(10000), 100), "Failed to compress chunk 2: down")
      answers = { "one", "two", "" }
      test.eq(problem("m", ("x"):rep(10000), 100), "Empty response from synthesis step")
    end)
  end)

  describe("figures", function()
    before_each(use)
    after_each(restore)

    it("tell the strategy and the limits", function()
      local stats = compress.get_stats("m", ("x"):rep(10000), 100)
      test.eq(stats.strategy, "map_reduce")
      test.eq(stats.model_usable_input_chars, 9000)
      test.is_true(stats.needs_compression)
      test.eq(stats.safe_max_tokens_for_target, 225)
    end)

    it("tell whether it can be done", function()
      test.is_true(compress.can_compress("m", "short", 100))
      local ok, why = compress.can_compress("m", ("x"):rep(100), 10)
      test.is_false(ok)
      test.eq(why, "Target size 10 is too small (minimum: 50)")
      ok, why = compress.can_compress("m", ("x"):rep(9000), 5000)
      test.is_false(ok)
      test.eq(why, "Target size 5000 exceeds model output limit (4000)")
    end)

    it("follow the configuration", function()
      compress.configure({ min_target_chars = 10, nonsense = 1 })
      test.eq(compress.get_config().min_target_chars, 10)
      test.is_nil(compress.get_config().nonsense)
      compress.configure({ min_target_chars = 50 })
    end)
  end)
end

return { run_tests = test.run_cases(define) }
