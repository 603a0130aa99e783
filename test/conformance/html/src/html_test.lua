-- html.sanitize: what stays and what goes.
local test = require("test")
local html = require("html")

return { run_tests = test.run_cases(function()
  describe("the policy for texts of users", function()
    local ugc = html.sanitize.ugc_policy()

    it("keeps formatting", function()
      test.eq(ugc:sanitize("<p>Hi <b>Ann</b>, <em>you</em></p>"), "<p>Hi <b>Ann</b>, <em>you</em></p>")
      test.eq(ugc:sanitize("<ul><li>a</li></ul>"), "<ul><li>a</li></ul>")
      test.contains(ugc:sanitize('<a href="https://example.com/">x</a>'), 'href="https://example.com/"')
    end)

    it("removes what could run", function()
      for _, evil in ipairs({
        "<script>alert(1)</script>", '<img src=x onerror="alert(1)">', '<a href="javascript:alert(1)">x</a>',
        '<a href="java\tscript:alert(1)">x</a>', '<iframe src="//evil"></iframe>', '<svg onload="alert(1)"></svg>',
        '<style>@import "x"</style>', '<p style="background:url(javascript:x)">x</p>', "<object data=x></object>",
        '<math><mtext><script>alert(1)</script></mtext></math>', '<form action="javascript:x"><input></form>',
        '<a href="&#106;avascript:alert(1)">x</a>', '<a href="data:text/html,<script>1</script>">x</a>', "<base href=//evil>",
      }) do
        local out = ugc:sanitize(evil)
        for _, sign in ipairs({ "script", "onerror", "onload", "iframe", "style", "<object", "<base", "data:" }) do
          test.is_nil(out:lower():find(sign, 1, true), evil .. " became " .. out)
        end
      end
    end)

    it("escapes what is text", function()
      local out = ugc:sanitize("1 < 2 & 3 > 2")
      test.contains(out, "&lt;")
      test.contains(out, "&amp;")
    end)
  end)

  describe("the strict policy", function()
    it("leaves text only", function()
      test.eq(html.sanitize.strict_policy():sanitize("<p>Hi <b>Ann</b><script>x</script></p>"), "Hi Ann")
    end)
  end)

  describe("a policy of one's own", function()
    it("keeps what it names", function()
      local policy = html.sanitize.new_policy()
      test.eq(policy:sanitize("<p>x</p>"), "x")
      policy:allow_elements("p", "b")
      policy:allow_attrs("class"):matching("^[a-z]+$"):on_elements("p")
      test.eq(policy:sanitize('<p class="red" id="i">a <b class="x">b</b> <i>c</i></p>'), '<p class="red">a <b>b</b> c</p>')
      test.eq(policy:sanitize('<p class="Not This">a</p>'), "<p>a</p>")
    end)

    it("keeps URLs of the schemes it names", function()
      local policy = html.sanitize.new_policy():allow_elements("a")
      policy:allow_attrs("href"):on_elements("a")
      policy:allow_url_schemes("https")
      test.contains(policy:sanitize('<a href="https://e.com">x</a>'), "https://e.com")
      test.is_nil(policy:sanitize('<a href="http://e.com">x</a>'):find("http"))
    end)

    it("refuses patterns that are none", function()
      local ok, value, err = pcall(function() return html.sanitize.new_policy():allow_attrs("id"):matching("(") end)
      test.ok(not ok or (value == nil and err:kind() == errors.INVALID))
    end)
  end)
end) }
