package admission

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// apiServerKeeps is how much of a response's warnings an API server sends on, and of
// one of them if they are more, in runes.
const (
	apiServerKeeps       = 4096
	apiServerKeepsOfEach = 256
)

func TestWarningsAreWhatTheAPIServerSendsOn(t *testing.T) {
	type object = map[string]any
	long := strings.Repeat("a", 63) // no container's name is longer
	for name, lifecycle := range map[string]object{
		"in both places": {"preStop": object{"sleep": object{"seconds": 5}}},
		"tcpSocket":      {"preStop": object{"tcpSocket": object{"port": 80}}},
		"a later field":  {"preFreeze": object{}},
		"a host":         {"preStop": object{"httpGet": object{"port": 80, "host": "backend.shop.svc.cluster.local"}}},
		"a hostile one":  {strings.Repeat("ü", 10000): strings.Repeat("ü", 10000)},
	} {
		t.Run(name, func(t *testing.T) {
			annotations, list := object{}, []object{}
			for i := range 100 {
				one := fmt.Sprintf("%s%02d", long[:61], i)
				if name == "in both places" {
					annotations["lifecycle.bookend.dev/"+one] = "preStop: {sleep: {seconds: 6}}"
				}
				list = append(list, object{"name": one, "lifecycle": lifecycle})
			}
			raw, err := json.Marshal(object{"metadata": object{"annotations": annotations}, "spec": object{"runtimeClassName": "bookend", "containers": list}})
			if err != nil {
				t.Fatal(err)
			}
			v, err := newAdmitter(t).Create(raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			total := 0
			for _, w := range v.Warnings {
				length := utf8.RuneCountInString(w)
				if total += length; length > apiServerKeepsOfEach || !utf8.ValidString(w) {
					t.Errorf("%d runes: %s", length, w)
				}
			}
			if total > apiServerKeeps {
				t.Errorf("%d warnings of %d runes", len(v.Warnings), total)
			}
			if len(v.Warnings) < 10 || v.Warnings[len(v.Warnings)-1] != "more warnings are left out" {
				t.Errorf("warned of %q", v.Warnings)
			}
			if name != "a hostile one" && !strings.Contains(v.Warnings[0], long[:61]+"00") {
				t.Errorf("the container's name is cut off: %s", v.Warnings[0])
			}
		})
	}
}
