-- url: parts, building, resolving, escapes, query strings.
local test = require("test")
local url = require("url")

local function fails(value, err)
  test.has_error(value, err)
  test.eq(err:kind(), errors.INVALID)
end

return { run_tests = test.run_cases(function()
  describe("parse", function()
    it("gives the parts that are there", function()
      local p = url.parse("https://ann:pw@example.com:8443/a/b?q=1&r=2#top")
      test.eq(p.scheme, "https")
      test.eq(p.user, "ann")
      test.eq(p.password, "pw")
      test.eq(p.host, "example.com")
      test.eq(p.port, 8443)
      test.eq(p.path, "/a/b")
      test.eq(p.query, "q=1&r=2")
      test.eq(p.fragment, "top")
    end)

    it("leaves out the others", function()
      local p = url.parse("http://example.com")
      test.is_nil(p.port)
      test.is_nil(p.query)
      test.is_nil(p.fragment)
      test.is_nil(p.user)
    end)

    it("refuses what is no URL", function()
      fails(url.parse("http://example.com:99999/"))
      fails(url.parse("http://exa mple.com/"))
      fails(url.parse("http://[::1"))
    end)
  end)

  describe("build", function()
    it("is the inverse of parse", function()
      for _, text in ipairs({
        "https://ann:pw@example.com:8443/a/b?q=1#top", "http://example.com/", "https://example.com/a?b=c",
      }) do
        test.eq(url.build(url.parse(text)), text)
      end
    end)

    it("takes a query table", function()
      test.eq(url.build({ scheme = "https", host = "example.com", path = "/s", query = { q = "a b" } }),
        "https://example.com/s?q=a%20b")
    end)
  end)

  describe("resolve", function()
    it("gives the absolute URL", function()
      test.eq(url.resolve("https://example.com/a/b", "../c"), "https://example.com/c")
      test.eq(url.resolve("https://example.com/a/b", "d?x=1"), "https://example.com/a/d?x=1")
      test.eq(url.resolve("https://example.com/a/b", "//other.org/x"), "https://other.org/x")
      test.eq(url.resolve("https://example.com/a", "https://else.net/"), "https://else.net/")
    end)
  end)

  describe("escapes", function()
    it("are percent-encoded UTF-8", function()
      test.eq(url.encode("a b&c=d/e?ä"), "a%20b%26c%3Dd%2Fe%3F%C3%A4")
      test.eq(url.encode("AZaz09-_.~"), "AZaz09-_.~")
      test.eq(url.decode("a%20b%26%C3%A4"), "a b&ä")
    end)

    it("that are broken are Invalid", function()
      fails(url.decode("%"))
      fails(url.decode("%zz"))
      fails(url.decode("%a"))
    end)
  end)

  describe("query strings", function()
    it("have sorted keys and repeated ones for lists", function()
      test.eq(url.query({ q = "a b", tag = { "x", "y" } }), "q=a%20b&tag=x&tag=y")
      test.eq(url.query({}), "")
    end)

    it("are read back", function()
      local q = url.parse_query("q=a+b&tag=x&tag=y&e=")
      test.eq(q.q, "a b")
      test.eq(q.tag[1], "x")
      test.eq(q.tag[2], "y")
      test.eq(q.e, "")
    end)
  end)
end) }
