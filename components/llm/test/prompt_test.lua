-- The conversation builder.

local test = require("test")
local prompt = require("prompt")
local json = require("json")

local function define()
  describe("prompt", function()
    it("joins neighbours of one role with a blank line", function()
      local messages = prompt.new():add_user("one"):add_user("two"):add_assistant("three"):get_messages()
      test.len(messages, 2)
      test.eq(messages[1].content[1].text, "one\n\ntwo")
      test.eq(messages[2].role, "assistant")
    end)

    it("keeps messages of different names apart", function()
      local builder = prompt.new()
      builder:add_message("user", { prompt.text("a") }, "ann"):add_message("user", { prompt.text("b") }, "bob")
      test.len(builder:get_messages(), 2)
    end)

    it("appends parts that are no text", function()
      local image = prompt.image("http://x/y.png", "image/png")
      local messages = prompt.new():add_user("look"):add_message("user", { image }):get_messages()
      test.len(messages, 1)
      test.eq(messages[1].content[2].source.url, "http://x/y.png")
    end)

    it("does not change the parts it was given when it joins", function()
      local part = prompt.text("first")
      prompt.new():add_message("user", { part }):add_user("second")
      test.eq(part.text, "first")
    end)

    it("ignores empty system texts and empty part lists", function()
      local builder = prompt.new():add_system(""):add_developer(nil):add_message("user", {})
      test.len(builder.messages, 0)
    end)

    it("keeps calls and results as they come", function()
      local builder = prompt.with_system("s")
      builder:add_function_call("f", { a = 1 }, "c1", { provider_metadata = { x = 1 } })
      builder:add_function_result("f", { done = true }, "c1")
      local messages = builder:get_messages()
      test.eq(messages[2].function_call.name, "f")
      test.eq(messages[2].function_call.arguments.a, 1)
      test.eq(messages[2].function_call.provider_metadata.x, 1)
      test.eq(messages[3].function_call_id, "c1")
      test.is_true(json.decode(messages[3].content[1].text).done)
    end)

    it("takes images out of results and shows them after the run", function()
      local builder = prompt.new():add_user("go")
      builder:add_function_call("shot", "{}", "c1")
      builder:add_function_result("shot", {
        result = "taken",
        _images = { { mime_type = "image/png", data = "QUJD" } },
      }, "c1")
      builder:add_function_call("other", "{}", "c2"):add_function_result("other", "plain", "c2")
      local messages = builder:get_messages()
      test.len(messages, 6)
      local body = json.decode(messages[3].content[1].text)
      test.eq(body.result, "taken (see image results below)")
      test.is_nil(body._images)
      test.eq(messages[6].role, "user")
      test.eq(messages[6].content[1].source.data, "QUJD")
    end)

    it("finds images in JSON text too", function()
      local builder = prompt.new():add_function_call("f", "{}", "c")
      builder:add_function_result("f", '{"_images":[{"url":"http://x/i.png"}]}', "c")
      local messages = builder:get_messages()
      test.eq(messages[2].content[1].text, "{}")
      test.eq(messages[3].content[1].source.url, "http://x/i.png")
    end)

    it("clones deeply", function()
      local builder = prompt.new():add_user("a")
      local copy = builder:clone():add_user("b")
      test.eq(builder.messages[1].content[1].text, "a")
      test.eq(copy.messages[1].content[1].text, "a\n\nb")
    end)

    it("marks cache boundaries and clears", function()
      local builder = prompt.new():add_cache_marker()
      test.eq(builder:build().messages[1].marker_id, "default")
      test.len(builder:clear():build().messages, 0)
    end)
  end)
end

return { run_tests = test.run_cases(define) }
