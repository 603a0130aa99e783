local function greet(name)
  return "hello, " .. name
end

return { greet = greet }
