// `wippy new http`: a command that asks an HTTP API, with a function between them that can be tested alone.

import { applicationFiles, type Template } from './template.ts'

export const httpTemplate: Template = {
  name: 'http',
  description: 'a command that asks an HTTP API',
  files: (project) => ({
    ...applicationFiles(project, 'application', 'Asks an HTTP API'),
    'README.md': `# ${project.module}

    wippy run fetch https://wippy.ai      # status, type and size of a page
    wippy run fetch https://wippy.ai -- --body

\`app:fetch\` is a function: anything may call it, with a time limit of its own.
`,
    'src/_index.yaml': `version: "1.0"
namespace: app

entries:
  - name: definition
    kind: ns.definition
    meta:
      title: ${project.module}

  - name: fetch
    kind: function.lua
    meta:
      comment: Asks an address - input { url }, output { status, type, body } or { error }
    source: file://fetch.lua
    method: handler
    modules: [http_client]

  - name: fetch_command
    kind: process.lua
    meta:
      command:
        name: fetch
        short: Fetch an address
    source: file://fetch_command.lua
    method: main
    modules: [io, funcs]
`,
    'src/fetch.lua': `-- Asks an address. A failure is an answer too: { error = text }.

local http_client = require("http_client")

local function handler(input)
  local response, err = http_client.get(input.url, { timeout = "10s" })
  if err then return { error = tostring(err) } end
  return {
    status = response.status_code,
    type = response.headers["Content-Type"] or "",
    body = response.body or "",
  }
end

return { handler = handler }
`,
    'src/fetch_command.lua': `-- Prints what an address answers; the code is 1 when it does not.

local io = require("io")
local funcs = require("funcs")

local function main(url, flag)
  if not url then
    io.eprint("usage: wippy run fetch <url> [-- --body]")
    return 2
  end
  local answer, err = funcs.call("app:fetch", { url = url })
  local failure = err or answer.error
  if failure then
    io.eprint("fetch failed: " .. tostring(failure))
    return 1
  end
  io.print(answer.status, answer.type, #answer.body .. " bytes")
  if flag == "--body" then io.write(answer.body) end
end

return { main = main }
`,
  }),
  next: () => ['wippy run fetch https://wippy.ai'],
}
