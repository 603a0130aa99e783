-- An app that adds a function to itself, calls it, changes it and takes it back.
local io = require("io")
local funcs = require("funcs")
local registry = require("registry")

local ID = "app.made:greet"

local function greet_entry(word)
  return {
    id = ID,
    kind = "function.lua",
    meta = { comment = "Made at run time" },
    data = {
      source = ('return { greet = function(name) return "%s, " .. name end }'):format(word),
      method = "greet",
    },
  }
end

local function call()
  local greeting, err = funcs.call(ID, "Ann")
  return err and "error: " .. err:kind() or greeting
end

local function main()
  io.print("before:   " .. call())

  local first = assert(registry.snapshot():changes():create(greet_entry("hello")):apply())
  io.print("created:  " .. call())

  assert(registry.snapshot():changes():update(greet_entry("good morning")):apply())
  io.print("updated:  " .. call())

  assert(registry.apply_version(first))
  io.print("undone:   " .. call())

  assert(registry.snapshot():changes():delete(ID):apply())
  io.print("deleted:  " .. call())
end

return { main = main }
