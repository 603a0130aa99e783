// `wippy new hello`: a command, a library it imports, and a test of the library.

import { applicationFiles, type Template } from './template.ts'

export const helloTemplate: Template = {
  name: 'hello',
  description: 'a command, a library and a test',
  files: (project) => ({
    ...applicationFiles(project, 'application', 'Says hello'),
    'README.md': `# ${project.module}

    wippy run hello          # run the command
    wippy run hello Ann
    wippy test               # run the tests
    wippy lint               # check the types

Everything is an entry in \`src/_index.yaml\`. Change \`src/greeting.lua\` and run again.
`,
    'src/_index.yaml': `version: "1.0"
namespace: app

entries:
  - name: definition
    kind: ns.definition
    meta:
      title: ${project.module}

  # The library that tests are written with, and the command behind \`wippy test\`.
  - name: __dep.test
    kind: ns.dependency
    component: wippy/test
    version: "*"

  - name: greeting
    kind: library.lua
    meta:
      comment: What to say to whom
    source: file://greeting.lua

  - name: hello
    kind: process.lua
    meta:
      command:
        name: hello
        short: Say hello
    source: file://hello.lua
    method: main
    modules: [io]
    imports:
      greeting: app:greeting

  - name: greeting_test
    kind: function.lua
    meta:
      type: test
      suite: greeting
    source: file://greeting_test.lua
    method: run
    imports:
      test: wippy.test:test
      greeting: app:greeting
`,
    'src/greeting.lua': `-- What to say to whom.

local greeting = {}

function greeting.to(name: string?): string
  if name == nil or name == "" then return "hello world" end
  return "hello " .. name
end

return greeting
`,
    'src/hello.lua': `-- Says hello on the terminal.

local io = require("io")
local greeting = require("greeting")

local function main(name: string?)
  io.print(greeting.to(name))
end

return { main = main }
`,
    'src/greeting_test.lua': `local test = require("test")
local greeting = require("greeting")

local function define()
  test.describe("greeting", function()
    test.it("greets the world when nobody is named", function()
      test.eq(greeting.to(nil), "hello world")
    end)

    test.it("greets by name", function()
      test.eq(greeting.to("Ann"), "hello Ann")
    end)
  end)
end

return { run = test.run_cases(define) }
`,
  }),
  next: () => ['wippy run hello', 'wippy test'],
}
