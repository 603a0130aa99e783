//go:build ignore

// Writes goldens.json: what Go's time package says, for the tests of runtime/features/time.
// Run: ZONEINFO=$(go env GOROOT)/lib/time/zoneinfo.zip go run goldens.go > goldens.json
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"time"
)

var random = rand.New(rand.NewSource(7))

var zoneNames = []string{
	"UTC", "America/New_York", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Asia/Tokyo", "Asia/Kolkata",
	"America/Sao_Paulo", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kathmandu", "Pacific/Apia", "Asia/Jerusalem",
	"America/Santiago", "Africa/Cairo", "Asia/Tehran", "America/St_Johns", "Pacific/Chatham", "Antarctica/Troll",
	"Asia/Seoul", "US/Eastern", "Europe/Moscow", "America/Nuuk", "America/Havana",
}

var layouts = []string{
	time.RFC3339, time.RFC3339Nano, time.RFC822, time.RFC822Z, time.RFC850, time.RFC1123, time.RFC1123Z, time.Kitchen,
	time.Stamp, time.StampMilli, time.StampMicro, time.StampNano, time.DateTime, time.DateOnly, time.TimeOnly, time.ANSIC,
	time.UnixDate, time.RubyDate, "Monday January _2 2006 03:04:05PM", "2006-002 15h4m5s", "06/1/2 3:4:5pm",
	"2006-01-02T15:04:05.000Z0700", "15:04:05,999", "15:04:05.00000", "__2 2006 -07", "Z07 Z07:00:00 -070000 -07:00:00 Z070000",
	"Month Janet MSTX _2006 020106", "5.0000001 .99 .9990", "20060102150405", "Jan _2 '06", "",
}

type row = []any

func zone(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return location
}

func anyZone() string { return zoneNames[random.Intn(len(zoneNames))] }

// Between the years from and to.
func instant(from, to int) time.Time {
	low := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	high := time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return time.Unix(low+random.Int63n(high-low), random.Int63n(1e9))
}

func zones() (rows []row) {
	for _, name := range zoneNames {
		location := zone(name)
		for i := 0; i < 40; i++ {
			t := instant(1880, 2120).In(location)
			if i > 25 {
				// Around a change, where mistakes would be.
				start, end := t.ZoneBounds()
				if !end.IsZero() {
					t = end.Add(time.Duration(random.Intn(7200)-3600) * time.Second)
				} else if !start.IsZero() {
					t = start.Add(-time.Second)
				}
			}
			abbreviation, offset := t.Zone()
			rows = append(rows, row{name, t.Unix(), abbreviation, offset})
		}
	}
	return
}

func dates() (rows []row) {
	for _, name := range zoneNames {
		location := zone(name)
		for i := 0; i < 30; i++ {
			t := instant(1900, 2060).In(location)
			p := []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()}
			switch {
			case i < 10:
				p = []int{p[0], random.Intn(60) - 30, random.Intn(200) - 100, random.Intn(100) - 50, random.Intn(200) - 100, random.Intn(9000) - 4500, random.Intn(8e9) - 4e9}
			case i < 25:
				// Wall times in and around gaps and overlaps.
				if _, end := t.ZoneBounds(); !end.IsZero() {
					w := end.Add(-time.Second).Add(time.Duration(random.Intn(14400)-7200) * time.Second)
					_, offset := t.Zone()
					w = w.UTC().Add(time.Duration(offset) * time.Second)
					p = []int{w.Year(), int(w.Month()), w.Day(), w.Hour(), w.Minute(), w.Second(), 0}
				}
			}
			made := time.Date(p[0], time.Month(p[1]), p[2], p[3], p[4], p[5], p[6], location)
			rows = append(rows, row{name, p, made.Unix(), made.Nanosecond(), made.Weekday(), made.YearDay()})
		}
	}
	return
}

func formats() (rows []row) {
	times := []time.Time{
		time.Date(2006, 1, 2, 15, 4, 5, 0, zone("America/New_York")), {},
		time.Date(2024, 2, 29, 0, 0, 0, 120000000, zone("Asia/Kathmandu")),
		time.Date(-5, 12, 31, 12, 59, 59, 999999999, time.UTC), time.Date(12345, 7, 4, 11, 0, 0, 1, time.UTC),
		time.Date(1890, 1, 1, 0, 0, 0, 5000, zone("America/New_York")), time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", -90)),
		time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600+1805)), time.Date(2020, 6, 1, 12, 0, 0, 0, time.FixedZone("XYZ", -4*3600-90)),
	}
	for i := 0; i < 12; i++ {
		times = append(times, instant(1950, 2050).In(zone(anyZone())))
	}
	for _, t := range times {
		name, offset := t.Zone()
		for _, layout := range layouts {
			rows = append(rows, row{t.Unix(), t.Nanosecond(), t.Location().String(), name, offset, layout, t.Format(layout)})
		}
	}
	return
}

var oddParses = [][3]string{
	{time.RFC3339, "invalid", "UTC"}, {time.RFC3339, "", "UTC"}, {time.RFC3339, "2024-13-01T00:00:00Z", "UTC"},
	{time.RFC3339, "2024-02-30T00:00:00Z", "UTC"}, {time.RFC3339, "2024-01-01T24:00:00Z", "UTC"}, {time.RFC3339, "2024-01-01T00:60:00Z", "UTC"},
	{time.RFC3339, "2024-01-01T00:00:60Z", "UTC"}, {time.RFC3339, "2024-01-01T00:00:00", "UTC"}, {time.RFC3339, "2024-01-01T00:00:00Zx", "UTC"},
	{time.RFC3339, "2024-01-01T00:00:00.123456789123Z", "UTC"}, {time.RFC3339, "2024-01-01T00:00:00,5+05:30", "Asia/Kolkata"},
	{time.RFC3339, "2024-01-01T00:00:00+25:00", "UTC"}, {time.RFC3339, "2024-01-01T00:00:00+24:60", "UTC"}, {time.RFC3339, "2024-01-01T00:00:00+01:61", "UTC"},
	{time.RFC3339, "2024-01-01 00:00:00Z", "UTC"}, {time.RFC3339, "2024-1-1T00:00:00Z", "UTC"}, {time.RFC3339Nano, "2024-01-01T00:00:00.5-08:00", "UTC"},
	{time.DateOnly, "2024-12-29", "America/New_York"}, {time.DateOnly, "2024-12-29x", "UTC"}, {time.DateOnly, "24-12-29", "UTC"}, {time.DateOnly, "2023-02-29", "UTC"},
	{time.TimeOnly, "14:30:00", "UTC"}, {time.TimeOnly, "4:30:00", "UTC"}, {time.TimeOnly, "14:30:00.25", "UTC"}, {time.TimeOnly, "14:3:00", "UTC"},
	{time.Kitchen, "3:04PM", "UTC"}, {time.Kitchen, "12:04AM", "UTC"}, {time.Kitchen, "12:04PM", "UTC"}, {time.Kitchen, "13:04PM", "UTC"}, {time.Kitchen, "3:04pm", "UTC"}, {time.Kitchen, "0:04AM", "UTC"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 EST", "America/New_York"}, {"2006-01-02 15:04:05 MST", "2024-07-29 14:30:00 EST", "America/New_York"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 EST", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 GMT+3", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 GMT", "UTC"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 UTC", "America/New_York"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 +03", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 AB", "UTC"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 ABCD", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 WITA", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 ChST", "UTC"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 ABCDT", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 ABCDEFT", "UTC"}, {"2006-01-02 15:04:05 MST", "1944-06-06 06:30:00 EWT", "America/New_York"},
	{"2006-01-02 15:04:05 -0700 MST", "2024-12-29 14:30:00 -0500 EST", "America/New_York"}, {"2006-01-02 15:04:05 -0700 MST", "2024-12-29 14:30:00 -0500 CST", "America/New_York"},
	{"2006-01-02 15:04:05 -0700", "2024-12-29 14:30:00 x0500", "UTC"}, {"2006-01-02 15:04:05 -07", "2024-12-29 14:30:00 -05", "UTC"}, {"2006-01-02 -07:00:00", "2024-12-29 +05:41:16", "UTC"},
	{"Monday, 02 January 2006", "monday, 02 JANUARY 2006", "UTC"}, {"Mon, 02 Jan 2006", "Xyz, 02 Jan 2006", "UTC"}, {"Mon, 02 Jan 2006", "Tue, 02 Jan 2006", "UTC"}, {"Mon Jan", "Monday January", "UTC"},
	{"2006-002", "2024-366", "UTC"}, {"2006-002", "2023-366", "UTC"}, {"2006-002", "2024-060", "UTC"}, {"2006-002", "2023-060", "UTC"}, {"2006-002", "2023-000", "UTC"}, {"2006-002 01", "2023-060 02", "UTC"}, {"2006-002 2", "2023-060 5", "UTC"},
	{"2006 __2", "2024  60", "UTC"}, {"2006 __2", "2024   5", "UTC"}, {"Jan _2 2006", "Jan  2 2006", "UTC"}, {"Jan _2 2006", "Jan 12 2006", "UTC"}, {"Jan  _2", "Jan 5", "UTC"},
	{"06", "69", "UTC"}, {"06", "68", "UTC"}, {"06", "x", "UTC"}, {"2006", "-200", "UTC"}, {"1/2/2006", "12/31/2024", "UTC"}, {"1/2/2006", "123/1/2024", "UTC"}, {"1/2/2006", "0/1/2024", "UTC"}, {"2", "0", "UTC"}, {"2", "32", "UTC"}, {"1 2", "4 31", "UTC"},
	{"15:04:05.000", "01:02:03.12", "UTC"}, {"15:04:05.000", "01:02:03.123", "UTC"}, {"15:04:05.000", "01:02:03,1234", "UTC"}, {"15:04:05.999", "01:02:03", "UTC"}, {"15:04:05.999", "01:02:03.1", "UTC"}, {"15:04:05 .000", "01:02:03 .123", "UTC"},
	{"a b", "a     b", "UTC"}, {"a b", "ab", "UTC"}, {"a", "", "UTC"}, {"", "x", "UTC"}, {"a ", "a", "UTC"}, {"\"q\\", "é\n\"", "UTC"}, {"2006-01-02 15:04", "2024-03-10 02:30", "America/New_York"}, {"2006-01-02 15:04", "2024-11-03 01:30", "America/New_York"},
	{"2006-01-02 15:04", "2024-03-31 02:30", "Europe/Berlin"}, {"2006-01-02 15:04", "2024-10-27 02:30", "Europe/Berlin"}, {time.RFC1123, "Mon, 02 Jan 2006 15:04:05 MST", "America/Denver"}, {time.RFC850, "Monday, 02-Jan-06 15:04:05 PST", "America/Los_Angeles"},
	{"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 GMT-24", "UTC"}, {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 GMT+x", "UTC"}, {"pm", "AM", "UTC"}, {"PM 3", "AM 12", "UTC"}, {"3 PM", "12 XM", "UTC"}, {"15 PM", "11 PM", "UTC"},
}

func parses() (rows []row) {
	add := func(layout, value, name string) {
		t, err := time.ParseInLocation(layout, value, zone(name))
		if err != nil {
			rows = append(rows, row{layout, value, name, err.Error()})
			return
		}
		abbreviation, offset := t.Zone()
		rows = append(rows, row{layout, value, name, "", t.Unix(), t.Nanosecond(), abbreviation, offset})
	}
	for _, odd := range oddParses {
		add(odd[0], odd[1], odd[2])
	}
	for i := 0; i < 300; i++ {
		layout := layouts[random.Intn(len(layouts))]
		value := instant(1950, 2050).In(zone(anyZone())).Format(layout)
		if random.Intn(3) == 0 && len(value) > 0 {
			at := random.Intn(len(value))
			value = value[:at] + string("0 9x:-Z+."[random.Intn(9)]) + value[at+1:]
		}
		add(layout, value, anyZone())
	}
	return
}

func arithmetic() (rows []row) {
	spans := []time.Duration{1, 7, 1000, time.Millisecond, time.Second, 90 * time.Second, 15 * time.Minute, time.Hour, 24 * time.Hour, 168*time.Hour + 1, 1<<63 - 1, 0, -5}
	for i := 0; i < 120; i++ {
		name := anyZone()
		t := instant(-500, 3000).In(zone(name))
		span := spans[random.Intn(len(spans))]
		other := instant(1, 3000)
		if i%3 == 0 {
			other = t.Add(time.Duration(random.Int63n(1<<62) - 1<<61))
		}
		y, m, d := random.Intn(9)-4, random.Intn(60)-30, random.Intn(800)-400
		moved := t.AddDate(y, m, d)
		far := t.Add(time.Duration(random.Int63()) - 1<<62)
		rows = append(rows, row{name, t.Unix(), t.Nanosecond(), int64str(int64(span)), stamp(t.Round(span)), stamp(t.Truncate(span)),
			stamp(other), int64str(int64(t.Sub(other))), []int{y, m, d}, stamp(moved), int64str(int64(far.Sub(t))), stamp(far)})
	}
	return
}

func durations() (rows []row) {
	for i := 0; i < 100; i++ {
		d := time.Duration(random.Uint64() >> uint(random.Intn(64)))
		if i%2 == 0 {
			d = -d
		}
		rows = append(rows, row{int64str(int64(d)), d.String(), int64str(d.Microseconds()), int64str(d.Milliseconds()), d.Seconds(), d.Minutes(), d.Hours()})
	}
	return
}

func stamp(t time.Time) row { return row{t.Unix(), t.Nanosecond()} }

// As text: JSON readers would round it.
func int64str(n int64) string { b, _ := json.Marshal(n); return string(b) }

func main() {
	out := map[string][]row{"zones": zones(), "dates": dates(), "formats": formats(), "parses": parses(), "arithmetic": arithmetic(), "durations": durations()}
	os.Stdout.WriteString("{")
	separator := "\n"
	for _, key := range []string{"zones", "dates", "formats", "parses", "arithmetic", "durations"} {
		os.Stdout.WriteString(separator + "\"" + key + "\": [\n")
		for i, r := range out[key] {
			if i > 0 {
				os.Stdout.WriteString(",\n")
			}
			b, err := json.Marshal(r)
			if err != nil {
				panic(err)
			}
			os.Stdout.Write(b)
		}
		os.Stdout.WriteString("\n]")
		separator = ",\n"
	}
	os.Stdout.WriteString("\n}\n")
}
