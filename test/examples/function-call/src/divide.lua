-- A function that can fail.
local function divide(a, b)
  if b == 0 then
    -- nil and an error: what every function of Wippy gives when it cannot do its work.
    return nil, errors.new({ kind = errors.INVALID, message = "cannot divide by zero" })
  end
  return a / b
end

return { divide = divide }
