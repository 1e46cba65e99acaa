package report

import (
	"encoding/json"
	"math"
	"reflect"
)

// Group is the runs of one scenario with the same parameters, as --repeat makes them.
type Group struct {
	Scenario   string     `json:"scenario"`
	Parameters Parameters `json:"parameters"`
	Runs       []Run      `json:"-"`
	Repeats    int        `json:"repeats"`
	Figures    []Figure   `json:"figures"`
}

// Groups returns the report's runs by scenario and parameters, in the order in which they began.
func (r Report) Groups() []Group {
	var groups []Group
	for _, run := range r.Runs {
		i := 0
		for i < len(groups) && !groups[i].like(run) {
			i++
		}
		if i == len(groups) {
			groups = append(groups, Group{Scenario: run.Scenario, Parameters: run.Parameters})
		}
		groups[i].Runs = append(groups[i].Runs, run)
	}
	for i := range groups {
		groups[i].Repeats = len(groups[i].Runs)
		groups[i].Figures = Figures(groups[i].Runs)
	}
	return groups
}

func (g Group) like(run Run) bool {
	return g.Scenario == run.Scenario && reflect.DeepEqual(g.Parameters, run.Parameters)
}

// Typical returns the run whose first figure is nearest to the median.
func (g Group) Typical() Run {
	best, least := 0, math.Inf(1)
	for i, run := range g.Runs {
		own := Figures([]Run{run})
		if len(own) == 0 || len(g.Figures) == 0 {
			continue
		}
		if off := math.Abs(own[0].Server.Value - g.Figures[0].Server.Value); off < least {
			best, least = i, off
		}
	}
	return g.Runs[best]
}

// MarshalJSON adds the figures over all runs. They are not read back: they are computed from the runs.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report // without the method MarshalJSON
	return json.Marshal(struct {
		plain
		Medians []Group `json:"medians"`
	}{plain(r), r.Groups()})
}
