-- What the runner prints: a line per case, a line per suite, the failures once more at the end, a summary.

local terminal = require("terminal")

local display = {}

local BAR_WIDTH = 30

local MARKS = {
  passed = { "o", "green" },
  failed = { "x", "red" },
  skipped = { "-", "yellow" },
}

local paint, line = terminal.paint, terminal.line

local function duration(ms)
  if ms >= 1000 then return string.format("%.1fs", ms / 1000) end
  return string.format("%dms", math.floor(ms + 0.5))
end

local function mark(status)
  return paint(MARKS[status][1], MARKS[status][2])
end

local function indented(text, indent)
  return indent .. tostring(text):gsub("\n", "\n" .. indent)
end

function display.title(count, suites)
  line(paint("Tests", "bold") .. string.format("  %d entries in %d suites", count, suites))
  line()
end

function display.nothing_found(filters)
  if #filters == 0 then return line("No tests found") end
  line("No tests match: " .. table.concat(filters, " "))
end

--- One case: { name, status, ms, error? }.
function display.case(case)
  line("    " .. mark(case.status) .. " " .. case.name .. " " .. paint(duration(case.ms), "dim"))
  if case.error then line(paint(indented(case.error, "        "), "red")) end
end

--- An entry by the name its author gave it, with its id behind.
function display.entry(id, name)
  line("  " .. (name and paint(name, "cyan") .. " " .. paint("(" .. id .. ")", "dim") or paint(id, "cyan")))
end

--- One suite: { name, passed, failed, skipped, ms }.
function display.suite(suite)
  local total = suite.passed + suite.failed + suite.skipped
  local status = suite.failed > 0 and "failed" or "passed"
  line(string.format("  %s %s %s", mark(status), paint(suite.name, "bold"),
    paint(string.format("%d/%d %s", suite.passed, total, duration(suite.ms)), "dim")))
  line()
end

local function bar(passed, total)
  local filled = total > 0 and math.floor(BAR_WIDTH * passed / total) or 0
  return paint(("="):rep(filled), "green") .. paint(("."):rep(BAR_WIDTH - filled), "dim")
end

function display.failures(failures)
  if #failures == 0 then return end
  line(paint("Failures", "bold"))
  for i, failure in ipairs(failures) do
    line(string.format("  %d) %s", i, failure.id .. (failure.test and ": " .. failure.test or "")))
    line(paint(indented(failure.error, "     "), "red"))
  end
  line()
end

--- { passed, failed, skipped, ms }.
function display.summary(totals)
  local total = totals.passed + totals.failed + totals.skipped
  local word = totals.failed > 0 and paint("FAILED", "red") or paint("PASSED", "green")
  line(string.format("%s  %s  %d passed, %d failed, %d skipped, %s", word, bar(totals.passed, total), totals.passed,
    totals.failed, totals.skipped, duration(totals.ms)))
end

function display.runner_error(err)
  line(paint("RUNNER ERROR: ", "red") .. tostring(err))
end

return display
