// Runs one workload of one peer in this process and prints a line like the benchmark apps do: node peer.mjs nact w2 100000

const [, , peer, workload, size] = process.argv
const { name, workloads } = await import(`./peers/${peer}.mjs`)
const n = Number(size)
const run = workloads[workload]
await run(Math.max(100, Math.floor(n / 50 / 100) * 100))
const started = performance.now()
const { operations, ok, value } = await run(n)
const ms = performance.now() - started
if (!ok) throw new Error(`${peer} ${workload}: wrong checksum`)
console.log(JSON.stringify({ w: workload, sys: name, n, total_ms: ms, value: value ?? (operations * 1000) / ms }))
process.exit(0)
