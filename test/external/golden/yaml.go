// Makes yaml.json: what gopkg.in/yaml.v3 v3.0.1 reads from and writes for the texts below.
// Run in a module that requires it: `go run yaml.go > yaml.json`. Only needed when the texts change.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"gopkg.in/yaml.v3"
)

var scalars = []string{
	"017", "0o17", "0x1F", "1_000", "0b11", "-0b11", "+5", "-0", "12345678901234567890", "18446744073709551616",
	"-9223372036854775809", "9223372036854775807", "9007199254740993", "1e3", "1_0.5", "1.", ".5", ".inf", "-.Inf", ".NaN", "~",
	"True", "TRUE", "tRue", "yes", "on", "No", "08", "09.5", "0o8", "+.5", "1e400", "0x", "0.1e-3", "1:30", "_1", "1__0",
	"0_7", "1e5", "1E5", "0o", "-017", "00", "0", "null", "NULL", "nULL", "v1.2.3", "1.2.3", ">=v0.4.0", "2001-01-01",
	"2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.5", "2001-02-30", "2001-01-01x", "=", "file://a.lua",
	"-", "--", "-a", "+", ".", "..", "0.0", "-1.5", "1e-7", "0xg", "0b2", "1,000", "12e03", "+12e03",
}

var values = []string{
	`{"b":1,"a":[1,"x",{"q":[],"r":{}}],"c":{"d":{"e":"f"}}}`,
	`["a",["b",["c"]],{"x":1,"y":[{"z":2,"w":3}]}]`,
	`{"a2":1,"a10":2,"a":3,"A":4,"_x":5,"1":6,"10":7,"2":8,"a b":9,"é":10,"a02":11}`,
	`{"s":["","true","yes","on","no","y","null","~","1","1.5","0x1F","017","1e3","1:30","2001-01-01","-","- a","a: b","a:b","a #b","a#b","#a","@x","%x","*a","&a","!a","|","> x","'q'","\"q\"","a'b","[x","{x",",x","?","? x",":","a:","=","\\","tab\there"," lead","trail ","é","日本","--- x","..."]}`,
	`{"m":"line1\nline2","n":"line1\nline2\n","o":"a\n\nb\n\n","q":"x \ny","t":"a\ttab\nb","v":"a\n  b\n c"}`,
	`{"e":"bell\u0007","f":"nul\u0000","g":"cr\r\n","h":"\u0085","j":"\u007f","l":"\u001b[0m","m":"\u00a0x"}`,
	`{"n":[1.5,100000,1000000,1234567.5,1e21,1e22,1.5e-7,0.0001,0.00001,123456789012,-2.25,1e100,0.1,3.14159265358979]}`,
	`[]`, `{}`, `"x"`, `1`, `null`, `[null,true,false]`, `[[],[[]],{}]`, `[{"a":{"b":[{"c":1}]}}]`,
	`{"directories":{"modules":".wippy","src":"./src"},"modules":[{"name":"a/b","version":"v1.0.0"},{"name":"c/d","version":"v2"}]}`,
	`{"very long key that goes on and on and on and on and on and on and on and on and on and on and on and on and on and on":1}`,
	`{"k":"a long text that goes on and on and on and on and on and on and on and on and on and on and on and on and on and on"}`,
	`[["line1\nline2"],{"a":["x\ny\n"]}]`,
}

type read struct {
	Text string `json:"text"`
	Type string `json:"type"`
	JSON string `json:"json"`
}

type written struct {
	JSON string `json:"json"`
	Four string `json:"four"`
	Two  string `json:"two"`
}

func main() {
	out := struct {
		Read    []read    `json:"read"`
		Written []written `json:"written"`
	}{}
	for _, text := range scalars {
		var v map[string]interface{}
		if err := yaml.Unmarshal([]byte("v: "+text), &v); err != nil {
			out.Read = append(out.Read, read{text, "error", err.Error()})
			continue
		}
		value := v["v"]
		kind := fmt.Sprintf("%T", value)
		if t, ok := value.(time.Time); ok {
			value = float64(t.UnixNano()) / 1e9
		}
		if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
			value = fmt.Sprint(f)
		}
		b, _ := json.Marshal(value)
		out.Read = append(out.Read, read{text, kind, string(b)})
	}
	for _, text := range values {
		var v interface{}
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			panic(text + err.Error())
		}
		write := func(n int) string {
			var buf bytes.Buffer
			e := yaml.NewEncoder(&buf)
			e.SetIndent(n)
			if err := e.Encode(v); err != nil {
				panic(err)
			}
			return buf.String()
		}
		out.Written = append(out.Written, written{text, write(4), write(2)})
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	e.Encode(out)
}
