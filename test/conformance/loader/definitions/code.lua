-- A library that is only read.
return {}
