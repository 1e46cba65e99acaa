package config_test

import (
	"strings"
	"testing"
)

// What a project configures in a way that is not read here is named: it may be what protects it.
func TestUnreadConfigurationIsNamed(t *testing.T) {
	php := dotenv("REVERB_ORIGINS_OF_THE_SHOP=shop.test\nREVERB_SHEME=http\nREVERB_PORT=443\n")
	php.files["config/reverb.php"] = "<?php return [];"
	notes := strings.Join(php.mustLoad(t).Notes, "\n")
	for _, want := range []string{
		"config/reverb.php: not read", "--config reverb.json", "allowed_origins",
		"REVERB_ORIGINS_OF_THE_SHOP in .env, line 4: not a name that is read",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in %q", want, notes)
		}
	}
	if strings.Contains(notes, "REVERB_PORT") {
		t.Errorf("REVERB_PORT is Laravel's: %q", notes)
	}
	given := app("ping_interval: 5")
	given.files["config/reverb.php"] = "<?php return [];"
	if notes := given.mustLoad(t).Notes; len(notes) > 0 {
		t.Errorf("with a config file: %q", notes)
	}
}

// PHP writes a list with a hole in it, as array_filter leaves one, as an object with numbers for keys.
func TestListsOfPHPWithHoles(t *testing.T) {
	for _, text := range []string{`{"1":"a.test","4":"b.test"}`, `["a.test","b.test"]`} {
		got := app(`allowed_origins: ` + text).mustLoad(t).Apps[0].AllowedOrigins
		if strings.Join(got, " ") != "a.test b.test" {
			t.Errorf("%s: %q", text, got)
		}
	}
	list := yaml(`{"apps":{"apps":{"0":{"app_id":"1","key":"k","secret":"s"},"2":{"app_id":"2","key":"l","secret":"s"}}}}`)
	if got := list.mustLoad(t).Apps; len(got) != 2 || got[1].ID != "2" {
		t.Errorf("%+v", got)
	}
	app(`allowed_origins: {first: a.test}`).mustRefuse(t, "is not a list")
}
