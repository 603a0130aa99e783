-- excel: cells in, rows out.
local test = require("test")
local excel = require("excel")
local fs = require("fs")

-- The workbook as somebody else would read it.
local function reopened(wb)
  local files = fs.get("app:files")
  files:writefile("/x.xlsx", wb:bytes())
  local file = files:open("/x.xlsx")
  local again, err = excel.open(file)
  file:close()
  test.is_nil(err and tostring(err))
  return again
end

local function shape(rows)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = table.concat(row, "|") end
  return table.concat(lines, "/")
end

return { run_tests = test.run_cases(function()
  describe("a workbook", function()
    it("keeps texts, numbers and booleans", function()
      local wb = excel.new()
      local sheet = wb:get_sheet_list()[1]
      test.eq(sheet, "Sheet1")
      for cell, value in pairs({ A1 = "Name", B1 = "Size", A2 = "<ä> & \"b\"", B2 = 45000, A3 = true, B3 = 0.5 }) do
        test.is_nil(wb:set_cell_value(sheet, cell, value))
      end
      test.eq(shape(wb:get_rows(sheet)), "Name|Size/<ä> & \"b\"|45000/TRUE|0.5")
      test.eq(shape(reopened(wb):get_rows(sheet)), "Name|Size/<ä> & \"b\"|45000/TRUE|0.5")
    end)

    it("has several sheets", function()
      local wb = excel.new()
      wb:new_sheet("Second")
      wb:set_cell_value("Second", "C2", "x")
      test.eq(table.concat(reopened(wb):get_sheet_list(), ","), "Sheet1,Second")
      local rows = wb:get_rows("Second")
      test.eq(rows[2][3], "x")
    end)

    it("is read row by row", function()
      local wb = excel.new()
      for i = 1, 5 do wb:set_cell_value("Sheet1", "A" .. i, i) end
      local cursor = wb:rows("Sheet1")
      test.eq(shape(cursor:read(2)), "1/2")
      test.eq(shape(cursor:read()), "3")
      test.eq(shape(cursor:read(100)), "4/5")
      test.is_nil((cursor:read()))
      test.is_nil(cursor:close())
      test.eq(shape(wb:rows("Sheet1"):read(1000000)), "1/2/3/4/5")
    end)

    it("forgets what is set to nil", function()
      local wb = excel.new()
      wb:set_cell_value("Sheet1", "A1", "x")
      wb:set_cell_value("Sheet1", "A1", nil)
      test.eq(shape(wb:get_rows("Sheet1")), "")
    end)

    it("is a file others can open", function()
      test.eq(excel.new():bytes():sub(1, 2), "PK")
    end)
  end)

  describe("failures", function()
    local function failure(err)
      test.not_nil(err)
      return err:kind()
    end

    it("of sheets and references", function()
      local wb = excel.new()
      test.eq(failure(wb:set_cell_value("Nope", "A1", 1)), errors.INTERNAL)
      test.eq(failure(wb:set_cell_value("Sheet1", "1A", 1)), errors.INTERNAL)
      test.eq(failure(wb:set_cell_value("Sheet1", "AAAA1", 1)), errors.INTERNAL)
      local rows, err = wb:get_rows("Nope")
      test.has_error(rows, err)
      local cursor
      cursor, err = wb:rows("Nope")
      test.has_error(cursor, err)
      test.eq(err:kind(), errors.INVALID)
    end)

    it("of closed workbooks", function()
      local wb = excel.new()
      wb:close()
      local rows, err = wb:get_rows("Sheet1")
      test.has_error(rows, err)
      test.eq(err:kind(), errors.INTERNAL)
      test.eq(failure(wb:set_cell_value("Sheet1", "A1", 1)), errors.INTERNAL)
      test.eq(failure(wb:write_to({})), errors.INTERNAL)
      test.is_nil(wb:close())
    end)

    it("of writing are the one result, which is nil when all went well", function()
      local wb = excel.new()
      local file = fs.get("app:files"):open("/w.xlsx", "w")
      test.is_nil(wb:write_to(file))
      file:close()
      test.eq(failure(wb:write_to(file)), errors.INTERNAL)
      test.eq(failure(wb:write_to("no writer")), errors.INTERNAL)
    end)

    it("of files that are none", function()
      local files = fs.get("app:files")
      files:writefile("/bad.xlsx", "this is no workbook")
      local file = files:open("/bad.xlsx")
      local wb, err = excel.open(file)
      file:close()
      test.has_error(wb, err)
      test.eq(err:kind(), errors.INTERNAL)
    end)
  end)
end) }
