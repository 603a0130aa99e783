-- text.splitter: long texts in pieces.
local test = require("test")
local text = require("text")

return { run_tests = test.run_cases(function()
  describe("recursive", function()
    it("keeps to the chunk size", function()
      local words = {}
      for i = 1, 300 do words[i] = "word" .. i end
      local splitter, err = text.splitter.recursive({ chunk_size = 100, chunk_overlap = 20 })
      test.is_nil(err)
      local chunks = splitter:split_text(table.concat(words, " "))
      test.gt(#chunks, 10)
      for _, chunk in ipairs(chunks) do test.lte(utf8.len(chunk), 100) end
      test.contains(chunks[1], "word1 ")
      test.contains(chunks[#chunks], "word300")
    end)

    it("loses no word", function()
      local words = {}
      for i = 1, 200 do words[i] = "w" .. i .. "w" end
      local chunks = text.splitter.recursive({ chunk_size = 50, chunk_overlap = 0 }):split_text(table.concat(words, " "))
      local all = " " .. table.concat(chunks, " ") .. " "
      for _, word in ipairs(words) do test.contains(all, " " .. word .. " ") end
    end)

    it("prefers paragraphs", function()
      local chunks = text.splitter.recursive({ chunk_size = 30, chunk_overlap = 0 })
        :split_text("first paragraph here\n\nsecond paragraph here")
      test.len(chunks, 2)
      test.eq(chunks[1], "first paragraph here")
      test.eq(chunks[2], "second paragraph here")
    end)

    it("leaves short texts alone", function()
      local chunks = text.splitter.recursive({}):split_text("short")
      test.len(chunks, 1)
      test.eq(chunks[1], "short")
      test.len(text.splitter.recursive({}):split_text(""), 0)
    end)

    it("counts characters, not bytes", function()
      local chunks = text.splitter.recursive({ chunk_size = 10, chunk_overlap = 0 }):split_text(string.rep("ä", 25))
      for _, chunk in ipairs(chunks) do
        test.not_nil(utf8.len(chunk))
        test.lte(utf8.len(chunk), 10)
      end
    end)

    it("takes separators of its own", function()
      local chunks = text.splitter.recursive({ chunk_size = 6, chunk_overlap = 0, separators = { ";" } }):split_text("aaaa;bbbb;cccc")
      test.eq(table.concat(chunks, "|"), "aaaa|bbbb|cccc")
    end)

    it("refuses numbers that make no sense", function()
      for _, options in ipairs({ { chunk_size = 0 }, { chunk_size = -5 }, { chunk_overlap = -1 } }) do
        local splitter, err = text.splitter.recursive(options)
        test.has_error(splitter, err)
        test.eq(err:kind(), errors.INVALID)
      end
    end)
  end)

  describe("batches", function()
    it("keep the metadata of each text", function()
      local out = text.splitter.recursive({ chunk_size = 10, chunk_overlap = 0 }):split_batch({
        { content = "aaaaaaaa bbbbbbbb", metadata = { page = 1 } },
        { content = "cc", metadata = { page = 2 } },
      })
      test.len(out, 3)
      test.eq(out[1].content, "aaaaaaaa")
      test.eq(out[2].metadata.page, 1)
      test.eq(out[3].content, "cc")
      test.eq(out[3].metadata.page, 2)
    end)
  end)

  describe("markdown", function()
    it("cuts at headings", function()
      local chunks = text.splitter.markdown({ chunk_size = 60, chunk_overlap = 0 })
        :split_text("# One\n\nText of the first part.\n\n# Two\n\nText of the second part.\n")
      test.len(chunks, 2)
      test.contains(chunks[1], "# One")
      test.contains(chunks[2], "second part")
    end)

    it("repeats the headings above when asked", function()
      local chunks = text.splitter.markdown({ chunk_size = 60, chunk_overlap = 0, heading_hierarchy = true })
        :split_text("# Top\n\n## A\n\nText of A is here.\n\n## B\n\nText of B is here.\n")
      test.contains(chunks[#chunks], "# Top")
      test.contains(chunks[#chunks], "## B")
    end)
  end)
end) }
