// Library functions asked for more than there is: huge ranges, lying lengths, wide formats, dear patterns and comparisons.

import type { Hostile } from '../../support/hostile.ts'

const limit = /LimitExceeded/
const liar = 'local t = setmetatable({}, { __len = function() return 1 << 53 end })'

export const libraryCalls: readonly Hostile[] = [
  { name: 'string.rep of nothing', lua: 'return #(("").rep("", 1e15))', value: 0 },
  { name: 'string.rep of nothing with no separator', lua: 'return #string.rep("", 1 << 62, "")', value: 0 },
  { name: 'string.rep beyond memory', lua: 'return #("x"):rep(1 << 29)', error: limit },
  { name: 'string.rep beyond sense', lua: 'return #("x"):rep(1 << 62)', error: /too large/ },
  { name: 'string.rep with a fraction', lua: 'return ("x"):rep(0.5)', error: /no integer representation/ },
  {
    name: 'string.rep of a huge separator',
    lua: 'local s = ("x"):rep(1e6) return #string.rep("", 1e6, s)',
    error: /too large|LimitExceeded/,
  },
  { name: 'string.rep, caught for ever', lua: 'while true do pcall(string.rep, "x", 1 << 29) end', error: limit },
  { name: 'string.rep for ever', lua: 'while true do local s = ("x"):rep(1e6) end', error: limit },
  {
    name: 'failing allocations on a full heap',
    lua: 'local t = {} for i = 1, 100000 do t[i] = {} end while true do pcall(string.rep, "x", 1 << 29) end',
    error: limit,
  },
  { name: 'table.concat of a huge range', lua: 'return table.concat({}, "", 1, 1 << 40)', error: /too many elements/ },
  { name: 'table.concat with a lying length', lua: `${liar} return table.concat(t)`, error: /out of range/ },
  {
    name: 'table.concat at the end of the integers',
    lua: 'return table.concat({}, "", math.maxinteger - 1, math.maxinteger)',
    error: /invalid value/,
  },
  {
    name: 'table.concat across all integers',
    lua: 'return table.concat({}, "", math.mininteger, math.maxinteger)',
    error: /too many|invalid value/,
  },
  {
    name: 'table.concat of large parts',
    lua: 'local s = ("x"):rep(1e5) local t = {} for i = 1, 1e6 do t[i] = s end return #table.concat(t)',
    error: limit,
  },
  { name: 'table.insert with a lying length', lua: `${liar} table.insert(t, 1, 1)`, error: /out of range/ },
  {
    name: 'table.insert with a length below the limit',
    lua: 'local t = setmetatable({}, { __len = function() return 1 << 26 end }) table.insert(t, 1, 1)',
    error: limit,
  },
  { name: 'table.insert far outside', lua: 'table.insert({}, 1 << 40, 1)', error: /out of bounds/ },
  { name: 'table.remove with a lying length', lua: `${liar} table.remove(t, 1)`, error: /out of range/ },
  {
    name: 'table.remove with a length below the limit',
    lua: 'local t = setmetatable({}, { __len = function() return 1 << 26 end }) table.remove(t, 1)',
    error: /./,
  },
  {
    name: 'table.remove from the front of a large table, for ever',
    lua: 'local t = {} for i = 1, 500000 do t[i] = i end while true do table.remove(t, 1) table.insert(t, 1, 1) end',
    error: limit,
  },
  { name: 'table.move of a huge range', lua: 'table.move({}, 1, 1 << 60, 2)', error: /too many elements/ },
  { name: 'table.move of a large range of nothing', lua: 'table.move({}, 1, 1 << 26, 2)', error: /./ },
  {
    name: 'table.move through metamethods',
    lua: 'local t = setmetatable({}, { __index = function() return 1 end, __newindex = function() end }) table.move(t, 1, 1 << 26, 2)',
    error: /./,
  },
  { name: 'table.unpack of a huge range', lua: 'return table.unpack({}, 1, 1e8)', error: /too many results/ },
  {
    name: 'table.unpack of a large range, for ever',
    lua: 'while true do pcall(function() return select("#", table.unpack({}, 1, 200000)) end) end',
    error: limit,
  },
  { name: 'table.sort with a lying length', lua: `${liar} table.sort(t)`, error: /out of range/ },
  {
    name: 'table.sort with a length below the limit',
    lua: 'local t = setmetatable({}, { __len = function() return 1 << 26 end, __index = function() return 1 end, __newindex = function() end }) table.sort(t)',
    error: /./,
  },
  {
    name: 'table.sort with a comparator and a lying length',
    lua: 'local t = setmetatable({}, { __len = function() return 1 << 26 end, __index = function() return 1 end }) table.sort(t, function(a, b) return a < b end)',
    error: limit,
  },
  {
    name: 'table.sort of many numbers, for ever',
    lua: 'local t = {} for i = 1, 300000 do t[i] = (i * 7919) % 300007 end while true do table.sort(t) for i = 1, 100 do t[i] = -i end end',
    error: limit,
  },
  {
    name: 'table.sort of many long strings',
    lua: 'local s = ("x"):rep(10000) local t = {} for i = 1, 800 do t[i] = s .. i end while true do table.sort(t) for i = 1, 300 do t[i], t[801 - i] = t[801 - i], t[i] end end',
    error: limit,
  },
  {
    name: 'comparing long strings for ever',
    lua: 'local s = ("a"):rep(2e6) local a, b = s .. "1", s .. "2" while true do local _ = a < b end',
    error: limit,
  },
  {
    name: 'comparing very long strings for ever',
    lua: 'local s = ("a"):rep(4e6) local a, b = s .. "1", s .. "2" s = nil while true do local _, _, _, _ = a < b, a < b, a < b, a < b end',
    error: limit,
  },
  {
    name: 'equal long strings',
    lua: 'local s = ("a"):rep(4e6) local a, b = s .. "1", s .. "1" s = nil while true do local _ = a == b end',
    error: limit,
  },
  {
    name: 'joining long strings for ever',
    lua: 'local s = ("a"):rep(3e6) while true do local _ = s .. "1" end',
    error: limit,
  },
  {
    name: 'reversing, changing case and cutting long strings for ever',
    lua: 'local s = ("a"):rep(2e6) while true do local _ = s:reverse():upper():sub(2) end',
    error: limit,
  },
  {
    name: 'bytes and characters of a long string',
    lua: 'local s = ("a"):rep(4e6) return select("#", s:byte(1, -1))',
    error: /too long|too many|overflow|LimitExceeded/,
  },
  {
    name: 'colliding keys',
    lua: 'local t = {} for i = 1, 60000 do t[i * 2.0 ^ 40 + 0.5] = i end while true do for i = 1, 100 do local _ = t[i * 2.0 ^ 40 + 0.5] end end',
    error: limit,
  },
  {
    name: 'long string keys',
    lua: 'local s = ("a"):rep(1e6) local t = {} for i = 1, 5 do t[s .. i] = i end while true do for i = 1, 5 do local _ = t[s .. i] end end',
    error: limit,
  },
  {
    name: 'sorting references to one long string',
    lua: 'local s = ("a"):rep(4e6) local t = {} for i = 1, 1000 do t[i] = s end table.sort(t)',
    error: limit,
  },
  {
    name: 'arithmetic on a long numeral, for ever',
    lua: 'local s = ("1"):rep(5e6) while true do pcall(function() return s + 1 end) pcall(function() return -s end) end',
    error: limit,
  },
  {
    name: 'a math function on a long numeral, for ever',
    lua: 'local s = ("1"):rep(5e6) while true do pcall(math.floor, s) end',
    error: limit,
  },
  { name: 'a wide format', lua: 'return ("%99999d"):format(1)', error: /invalid (conversion|format)/ },
  { name: 'a precise format', lua: 'return ("%.99999f"):format(1)', error: /invalid (conversion|format)/ },
  {
    name: 'a format of many parts',
    lua: 'return #(("%99d"):rep(20000)):format(table.unpack({}, 1, 20000))',
    error: /number|too many|LimitExceeded|^\d+$/,
  },
  {
    name: 'a format of many missing parts, for ever',
    lua: 'local f = ("%d"):rep(20000) while true do pcall(string.format, f) end',
    error: limit,
  },
  {
    name: 'a nested format of the largest number',
    lua: 'return #("%99.99f"):format(1.7976931348623157e308)',
    value: 409,
  },
  { name: 'patterns that backtrack', lua: 'return (("a"):rep(200)):find((".-"):rep(12) .. "b")', error: limit },
  {
    name: 'patterns that backtrack, caught for ever',
    lua: 'while true do pcall(string.find, ("a"):rep(200), (".-"):rep(12) .. "b") end',
    error: limit,
  },
  {
    name: 'a gsub whose every search is dear',
    lua: 'return (("a"):rep(20000)):gsub("a*b", "")',
    error: /LimitExceeded|^"a/,
  },
  {
    name: 'a gsub with a table, on a long text',
    lua: 'return #(("a"):rep(1e6)):gsub("a", { a = "bb" })',
    error: /LimitExceeded|^2000000$/,
  },
  {
    name: 'a gmatch on a long text, for ever',
    lua: 'local s = ("a b "):rep(1e5) while true do for _ in s:gmatch("%a+") do end end',
    error: limit,
  },
  {
    name: 'a plain find that fails late',
    lua: 'local s = ("a"):rep(1e6) while true do s:find(("a"):rep(5e5) .. "b", 1, true) end',
    error: limit,
  },
  { name: 'a pattern of a megabyte', lua: 'return ("x"):find(("a?"):rep(5e5))', error: /./ },
  { name: 'nested brackets in a pattern', lua: 'return ("("):rep(1e5):find("%b()")', error: /LimitExceeded|null/ },
  {
    name: 'brackets that never close, searched for ever',
    lua: 'local s = ("("):rep(1e5) while true do pcall(string.find, s, "%b()") end',
    error: limit,
  },
  {
    name: 'utf8 of a long text, for ever',
    lua: 'local s = ("é"):rep(1e6) while true do utf8.len(s) utf8.offset(s, 1000000) end',
    error: limit,
  },
  {
    name: 'utf8.char and utf8.codepoint of too much',
    lua: 'local s = ("é"):rep(1e6) return utf8.codepoint(s, 1, -1)',
    error: /too long|overflow|LimitExceeded/,
  },
  { name: 'select at the end of the integers', lua: 'return select(math.maxinteger, 1)', error: /^null$/ },
  {
    name: 'tonumber of a long text',
    lua: 'local s = ("1"):rep(5e6) while true do tonumber(s) tonumber(s, 36) end',
    error: limit,
  },
  { name: 'tostring of many numbers', lua: 'while true do local _ = 1.5 .. "" end', error: limit },
  {
    name: 'os.date and os.time of nonsense',
    lua: 'pcall(os.date, ("%c"):rep(1e5), 1e300) pcall(os.time, { year = 1e300, month = -1e300, day = 0 / 0 })',
    error: /./,
  },
  { name: 'json of a deep text', lua: 'return json.decode(("["):rep(1e5))', error: /./ },
  {
    name: 'json of a long text, for ever',
    lua: 'local s = "[" .. ("1,"):rep(3e5) .. "1]" while true do json.decode(s) end',
    error: limit,
  },
  {
    name: 'json of a large table, for ever',
    lua: 'local t = {} for i = 1, 1e5 do t[i] = i end while true do json.encode(t) end',
    error: limit,
  },
  { name: 'json of a table with a lying length', lua: `${liar} return json.encode(t)`, error: /./ },
]
