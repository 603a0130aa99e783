-- text.diff: what changed between two texts, and patches.
local test = require("test")
local text = require("text")

local function join(diffs, ...)
  local wanted, out = {}, {}
  for _, operation in ipairs({ ... }) do wanted[operation] = true end
  for _, d in ipairs(diffs) do
    if wanted[d.operation] then out[#out + 1] = d.text end
  end
  return table.concat(out)
end

return { run_tests = test.run_cases(function()
  local a, b = "The quick brown fox", "The slow brown foxes"

  describe("compare", function()
    it("gives both texts back", function()
      local diffs = text.diff.new():compare(a, b)
      test.eq(join(diffs, "equal", "delete"), a)
      test.eq(join(diffs, "equal", "insert"), b)
    end)

    it("of equal texts is one piece", function()
      local diffs = text.diff.new():compare("same", "same")
      test.len(diffs, 1)
      test.eq(diffs[1].operation, "equal")
      test.eq(diffs[1].text, "same")
    end)

    it("keeps characters whole", function()
      local diffs = text.diff.new():compare("aäb😀", "aöb😃")
      test.eq(join(diffs, "equal", "delete"), "aäb😀")
      test.eq(join(diffs, "equal", "insert"), "aöb😃")
    end)
  end)

  describe("summarize", function()
    it("counts characters", function()
      local d = text.diff.new()
      local s = d:summarize(d:compare("abc", "abcd"))
      test.eq(s.equals, 3)
      test.eq(s.insertions, 1)
      test.eq(s.deletions, 0)
      s = d:summarize(d:compare("äö", "ä"))
      test.eq(s.equals, 1)
      test.eq(s.deletions, 1)
    end)
  end)

  describe("pretty", function()
    it("shows both in text and HTML", function()
      local d = text.diff.new()
      local diffs = d:compare("a<b", "a>b")
      local html = d:pretty_html(diffs)
      test.contains(html, "<del")
      test.contains(html, "<ins")
      test.contains(html, "&lt;")
      test.contains(d:pretty_text(diffs), ">")
    end)
  end)

  describe("patches", function()
    it("turn one text into the other", function()
      local d = text.diff.new()
      local patched, all = d:patch_apply(d:patch_make(a, b), a)
      test.eq(patched, b)
      test.is_true(all)
    end)

    it("fit a text that has changed elsewhere", function()
      local d = text.diff.new()
      local long = string.rep("filler line\n", 20)
      local patches = d:patch_make(long .. "old end\n", long .. "new end\n")
      local patched, all = d:patch_apply(patches, "added first\n" .. long .. "old end\n")
      test.is_true(all)
      test.contains(patched, "new end")
    end)

    it("say when they do not fit", function()
      local d = text.diff.new()
      local _, all = d:patch_apply(d:patch_make(a, b), "nothing like it at all, but long enough to look through")
      test.is_false(all)
    end)
  end)

  describe("options", function()
    it("are taken", function()
      test.not_nil(text.diff.new({ diff_timeout = 0.5, diff_edit_cost = 8, match_threshold = 0.1, patch_margin = 2 }))
    end)
  end)
end) }
