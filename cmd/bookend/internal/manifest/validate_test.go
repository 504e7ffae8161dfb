package manifest

import (
	"testing"
)

func TestValidateFindsWhatIsWrong(t *testing.T) {
	for _, name := range files(t, "validate", ".yaml", ".json") {
		t.Run(name, func(t *testing.T) {
			report := Validate(name, read(t, "validate", name), Options{})
			golden(t, "validate/"+name+".golden", report.print())
		})
	}
}
