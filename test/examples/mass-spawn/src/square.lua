-- Waits for one number, and ends with its square as the result.
local function main()
  local n = process.listen("number"):receive()
  return n * n
end

return { main = main }
