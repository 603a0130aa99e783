-- Requests and answers.
local test = require("test")
local http = require("http_client")
local env = require("env")
local json = require("json")
local fs = require("fs")

local base

local function echo(method, options, path)
  local response, err = http.request(method, base .. (path or "/echo"), options)
  test.is_nil(err and tostring(err))
  test.eq(response.status_code, 200)
  return json.decode(response.body), response
end

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
  return err
end

return { run_tests = test.run_cases(function()
  describe("a request", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("has a method for each method", function()
      for name, method in pairs({ get = "GET", post = "POST", put = "PUT", delete = "DELETE", patch = "PATCH" }) do
        local response = http[name](base .. "/echo")
        test.eq(json.decode(response.body).method, method)
      end
      local head = http.head(base .. "/echo")
      test.eq(head.status_code, 200)
      test.is_nil(head.body)
      test.eq(echo("OPTIONS").method, "OPTIONS")
    end)

    it("sends headers, query and cookies", function()
      local seen = echo("GET", {
        headers = { ["X-One"] = "1", ["User-Agent"] = "conformance", ["X-Number"] = 5 },
        query = { q = "a b", r = "ä&=" },
        cookies = { session = "s1" },
      }, "/echo?first=1")
      test.eq(seen.headers["x-one"], "1")
      test.eq(seen.headers["user-agent"], "conformance")
      test.is_nil(seen.headers["x-number"])
      test.contains(seen.url, "first=1")
      test.contains(seen.url, "q=a+b")
      test.contains(seen.url, "r=%C3%A4%26%3D")
      test.contains(seen.headers.cookie, "session=s1")
    end)

    it("sends bodies byte by byte, and no type of its own", function()
      local seen = echo("POST", { body = '{"a":1}' })
      test.eq(seen.body, '{"a":1}')
      test.is_nil(seen.headers["content-type"])
      test.eq(#echo("POST", { body = "\0\200\255" }).body, 5)
    end)

    it("sends forms", function()
      local seen = echo("POST", { form = { a = "1 2", b = "&" }, body = "ignored" })
      test.contains(seen.headers["content-type"], "application/x-www-form-urlencoded")
      test.ok(seen.body == "a=1+2&b=%26" or seen.body == "b=%26&a=1+2", seen.body)
    end)

    it("sends files with the fields of a form", function()
      local seen = echo("POST", {
        files = { { name = "up", filename = "a.txt", content = "file content", content_type = "text/plain" } },
        form = { field = "value" },
      })
      test.contains(seen.headers["content-type"], "multipart/form-data; boundary=")
      test.contains(seen.body, 'name="up"; filename="a.txt"')
      test.contains(seen.body, "file content")
      test.contains(seen.body, 'name="field"')
    end)

    it("sends what readers give", function()
      local files = fs.get("app:files")
      files:writefile("/upload.txt", "content of a file")
      local file = files:open("/upload.txt")
      local lines = http.get(base .. "/lines", { stream = true }).stream
      local seen = echo("POST", { files = { { name = "a", reader = file }, { name = "b", reader = lines } } })
      test.contains(seen.body, "content of a file\r\n")
      test.contains(seen.body, "one\ntwo\nthree\r\n")
    end)

    it("authenticates", function()
      test.eq(echo("GET", { auth = { user = "ann", pass = "pw" } }).headers.authorization, "Basic YW5uOnB3")
    end)

    it("follows redirects, ten of them", function()
      local seen, response = echo("GET", nil, "/redirect")
      test.eq(seen.url, "/echo?after=redirect")
      test.eq(response.url, base .. "/echo?after=redirect")
      local value, err = http.get(base .. "/redirect-for-ever")
      fails(value, err, errors.INTERNAL, "redirect")
    end)
  end)

  describe("an answer", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("of any status is no error", function()
      local response, err = http.get(base .. "/status/404")
      test.is_nil(err)
      test.eq(response.status_code, 404)
      test.eq(response.body, "not here")
      test.eq(response.body_size, 8)
      test.eq(http.get(base .. "/status/500").status_code, 500)
    end)

    it("without a body has none", function()
      local response = http.get(base .. "/status/204")
      test.is_nil(response.body)
      test.eq(response.body_size, 0)
    end)

    it("has canonical header names and first values", function()
      local response = http.get(base .. "/headers")
      test.eq(response.headers["X-Some-Thing"], "first")
    end)

    it("has cookies", function()
      local response = http.get(base .. "/cookies")
      test.eq(response.cookies.a, "1")
      test.eq(response.cookies.b, "2")
    end)

    it("may be limited", function()
      test.eq(http.get(base .. "/large", { max_response_body = 5000 }).body_size, 5000)
      local value, err = http.get(base .. "/large", { max_response_body = 100 })
      test.has_error(value, err)
      test.contains(tostring(err), "response body too large (max 100 bytes)")
    end)
  end)

  describe("a failure", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("of the connection can be tried again", function()
      local value, err = http.get("http://127.0.0.1:1/")
      test.is_true(fails(value, err, errors.INTERNAL):retryable())
      value, err = http.get(base .. "/cut")
      test.is_true(fails(value, err, errors.INTERNAL):retryable())
    end)

    it("of time comes when it should", function()
      for _, timeout in ipairs({ 0.05, "50ms" }) do
        local value, err = http.get(base .. "/silent", { timeout = timeout })
        test.has_error(value, err)
        test.is_true(err:retryable())
      end
      local value, err = http.get(base .. "/never", { timeout = "50ms" })
      test.has_error(value, err)
    end)

    it("of the URL", function()
      test.throws(function() http.get("") end)
      test.throws(function() http.get({}) end)
      local value, err = http.get("ftp://example.com/")
      test.has_error(value, err)
    end)
  end)

  describe("a batch", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("gives answers and errors in order", function()
      local responses, failures = http.request_batch({
        { "GET", base .. "/status/404" },
        { "POST", base .. "/echo", { body = "x" } },
      })
      test.eq(responses[1].status_code, 404)
      test.eq(json.decode(responses[2].body).body, "x")
      test.is_nil(failures)
      responses, failures = http.request_batch({ { "GET", base .. "/echo" }, { "GET", "http://127.0.0.1:1/" } })
      test.eq(responses[1].status_code, 200)
      test.is_nil(responses[2])
      test.not_nil(failures[2])
    end)

    it("does not stream, and is not empty", function()
      local responses, failures = http.request_batch({ { "GET", base .. "/echo", { stream = true } } })
      local text = tostring(failures and (failures[1] or failures) or responses)
      test.contains(text, "streaming not supported in batch requests")
      test.throws(function() http.request_batch({}) end)
    end)
  end)

  describe("escapes", function()
    it("are those of queries", function()
      test.eq(http.encode_uri("a b&c=ä"), "a+b%26c%3D%C3%A4")
      test.eq(http.decode_uri("a+b%26c"), "a b&c")
      local value, err = http.decode_uri("%zz")
      test.has_error(value, err)
    end)
  end)
end) }
