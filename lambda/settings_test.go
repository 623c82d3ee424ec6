package main

import (
	"log/slog"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
)

// These are the environments that the stack writes; TestBinaryRefusesItsEnvironment
// has invalid ones.
func TestLoadSettings(t *testing.T) {
	for name, test := range map[string]struct {
		environ map[string]string
		base    string
		level   slog.Level
	}{
		"without TLS":      {map[string]string{"ALB_SCHEME": "http"}, "http://alb.example", slog.LevelInfo},
		"a named host":     {map[string]string{"ALB_SCHEME": "https", "ALB_SERVER_NAME": "api.example.com"}, "https://alb.example", slog.LevelInfo},
		"a certificate":    {map[string]string{"ALB_SCHEME": "https", "CERTIFICATE_ARN": "arn:c"}, "https://alb.example", slog.LevelInfo},
		"a port, and loud": {map[string]string{"ALB_SCHEME": "http", "ALB_DNS": "alb.example:81", "LOG_LEVEL": "debug"}, "http://alb.example:81", slog.LevelDebug},
	} {
		t.Run(name, func(t *testing.T) {
			environ := map[string]string{"ALB_DNS": "alb.example", "SIGNING_SECRET_ARN": "arn:s"}
			maps.Copy(environ, test.environ)
			got, problems := loadSettings(environ)
			assert.Empty(t, problems)
			assert.Equal(t, test.base, got.base().String())
			assert.Equal(t, test.level, got.level)
		})
	}
}
