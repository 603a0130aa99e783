//go:build ignore

// Writes data.json: what Go's encoding/json and encoding/base64 say, for the tests of the json and base64 modules.
// Run: go run data.go > data.json
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"math/rand"
	"os"
	"strings"
	"unicode/utf8"
)

var random = rand.New(rand.NewSource(11))

type row = []any

// Texts that are JSON or nearly so.
var texts = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `1e3`, `1E+2`, `1e-7`, `0.1e1`, `123456789012345678`, `""`, `"a"`, `[]`, `{}`,
	` [ 1 , 2 ] `, `{"a":1}`, `{"a":{"b":[{}]}}`, "\t\n\r {}", `[[],[[]]]`, `"é"`, `"\u00e9"`, `"\ud83d\ude00"`, `"\ud83d"`,
	`"\ude00"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000"`, `{"a":1,"a":2}`, `{"":0}`, `"\u2028"`,
	``, ` `, `nul`, `nulx`, `tru`, `truE`, `fals3`, `n`, `True`, `NaN`, `Infinity`, `-`, `-a`, `01`, `1.`, `.5`, `+1`, `1e`, `1e+`, `1ex`,
	`0x10`, `1 2`, `"a`, `"`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\x01\"", "\"\n\"", `"a" b`, `[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `[1`, `[1,`,
	`{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{1:2}`, `[}`, `{]`,
	`'a'`, `//`, `/* */ 1`, `[1]]`, `{}}`, `true false`, `1,`, `undefined`, `"\`, `"\u`, `-01`, `00`, `1.e1`, `1e1.5`, `- 1`, `[1.]`, `[-]`,
	"\ufeff{}", `"tab	in"`, `{"a":tru}`, `[nul]`, `[fals]`, `{"k":"\q"}`, `[1e999]x`, `"\'"`, `["a":1]`, `{"a","b"}`, `#`, `@`,
}

// Changes a text here and there.
func spoiled(text string) string {
	const letters = `{}[]",:0123456789.eE+-\/untrfals "'x`
	bytes := []byte(text)
	for n := 1 + random.Intn(2); n > 0 && len(bytes) > 0; n-- {
		at := random.Intn(len(bytes))
		switch random.Intn(3) {
		case 0:
			bytes[at] = letters[random.Intn(len(letters))]
		case 1:
			bytes = append(bytes[:at], bytes[at+1:]...)
		default:
			bytes = append(bytes[:at], append([]byte{letters[random.Intn(len(letters))]}, bytes[at:]...)...)
		}
	}
	return string(bytes)
}

// The value written again with sorted keys, or the error and how many bytes were read before it.
func decoded(text string) row {
	var value any
	err := json.Unmarshal([]byte(text), &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return row{text, nil, syntax.Error(), syntax.Offset}
	}
	if err != nil {
		return nil // a number beyond float64: not the syntax
	}
	again, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return row{text, string(again), "", 0}
}

func decodes() (rows []row) {
	samples := append([]string{}, texts...)
	valid := []string{
		`{"name":"Alice","tags":["a","b"],"age":30,"ok":true,"none":null}`, `[1,-2,3.5,1e10,"x\ny",{"k":[false]}]`,
		`{"nested":{"deep":{"deeper":["\u0041\\"]}}}`, `["",[],{},0,-0.5]`,
	}
	for i := 0; i < 400; i++ {
		samples = append(samples, spoiled(valid[random.Intn(len(valid))]))
	}
	for _, text := range samples {
		if r := decoded(text); r != nil && utf8.ValidString(text) {
			rows = append(rows, r)
		}
	}
	return rows
}

func strings_() (rows []row) {
	write := func(text string) {
		encoded, err := json.Marshal(text)
		if err != nil {
			panic(err)
		}
		rows = append(rows, row{base64.StdEncoding.EncodeToString([]byte(text)), string(encoded)})
	}
	for code := rune(0); code < 0x180; code++ {
		write("a" + string(code) + "z")
	}
	for _, code := range []rune{0x2027, 0x2028, 0x2029, 0x202a, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0x10ffff} {
		write(string(code))
	}
	for _, text := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xf0\x9f\x98", "x\x80y", "\xc0\xaf", "\xf4\x90\x80\x80", "<script>&</script>"} {
		write(text)
	}
	for i := 0; i < 100; i++ {
		bytes := make([]byte, random.Intn(20))
		random.Read(bytes)
		write(string(bytes))
	}
	return rows
}

func numbers() (rows []row) {
	write := func(value float64) {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		rows = append(rows, row{math.Float64bits(value) >> 32, math.Float64bits(value) & 0xffffffff, string(encoded)})
	}
	for _, value := range []float64{0.1, 1.5, 1e20, 1e21, 1e22, 123456789.5, 1e-6, 1e-7, 9.5e-7, 1.5e-10, 5e-324, 1.7976931348623157e308, 1e100, 1.0 / 3, 2.5e21} {
		write(value)
		write(-value)
	}
	for i := 0; i < 400; i++ {
		write(math.Float64frombits(random.Uint64()))
		write(random.NormFloat64() * math.Pow(10, float64(random.Intn(40)-15)))
	}
	return rows
}

func base64Encodes() (rows []row) {
	for i := 0; i < 100; i++ {
		bytes := make([]byte, i%50)
		random.Read(bytes)
		hex := ""
		for _, b := range bytes {
			hex += string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15])
		}
		rows = append(rows, row{hex, base64.StdEncoding.EncodeToString(bytes)})
	}
	return rows
}

func base64Decodes() (rows []row) {
	samples := []string{
		"", "=", "==", "a", "aa", "aaa", "aaaa", "YQ==", "YQ=", "YQ", "YWI=", "YWI", "YWJj", "YQ==YQ==", "YQ==x", "Y=Q=", "=YQ=", "YQ= =",
		"Y Q==", "YQ==\n", "\nYQ==", "Y\nQ\r=\n=", "YWJj\r\n", "YWJ\nj", "-_-_", "YR==", "YWJ=", "YWK=", "YWJjZA", "YWJjZA=", "!!!!", "YWJjZ!==",
		"YQ=\n=", "YQ\n==", "YQ==\r\n\r\n", "é===", "YWJj====", "YWJj=", "\r\n", "Zm9vYmFy\n\nZm9v", "Zm9v,YmFy", "AA==", "AB==", "//8=", "/+8=",
	}
	for i := 0; i < 300; i++ {
		bytes := make([]byte, random.Intn(12))
		random.Read(bytes)
		text := []byte(base64.StdEncoding.EncodeToString(bytes))
		for n := random.Intn(3); n > 0 && len(text) > 0; n-- {
			const letters = "AZaz09+/=\n\r -_.!"
			text[random.Intn(len(text))] = letters[random.Intn(len(letters))]
		}
		samples = append(samples, string(text))
	}
	for _, text := range samples {
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			rows = append(rows, row{text, nil, err.Error()})
			continue
		}
		var hex strings.Builder
		for _, b := range bytes {
			hex.WriteByte("0123456789abcdef"[b>>4])
			hex.WriteByte("0123456789abcdef"[b&15])
		}
		rows = append(rows, row{text, hex.String(), ""})
	}
	return rows
}

func main() {
	os.Stdout.WriteString("{\n")
	sections := []struct {
		name string
		rows []row
	}{
		{"decodes", decodes()}, {"strings", strings_()}, {"numbers", numbers()},
		{"base64Encodes", base64Encodes()}, {"base64Decodes", base64Decodes()},
	}
	for i, section := range sections {
		os.Stdout.WriteString("\"" + section.name + "\": [\n")
		for j, r := range section.rows {
			line, err := json.Marshal(r)
			if err != nil {
				panic(err)
			}
			os.Stdout.Write(line)
			if j < len(section.rows)-1 {
				os.Stdout.WriteString(",")
			}
			os.Stdout.WriteString("\n")
		}
		os.Stdout.WriteString("]")
		if i < len(sections)-1 {
			os.Stdout.WriteString(",")
		}
		os.Stdout.WriteString("\n")
	}
	os.Stdout.WriteString("}\n")
}
