package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

// settings are the app's environment variables. Empty counts as unset, except for
// ENVIRONMENT_SUFFIX, where an empty value is most likely a mistake in a script.
type settings struct {
	Suffix         string `env:"ENVIRONMENT_SUFFIX" envDefault:"dev"`
	Region         string `env:"AWS_REGION" envDefault:"us-east-1"`
	StateBucket    string `env:"TERRAFORM_STATE_BUCKET" envDefault:"iac-rlhf-tf-states"`
	StateRegion    string `env:"TERRAFORM_STATE_BUCKET_REGION" envDefault:"us-east-1"`
	Profile        string `env:"PORTFOLIO_PROFILE" envDefault:"standard"`
	CertificateARN string `env:"CERTIFICATE_ARN"`
	DomainName     string `env:"DOMAIN_NAME"`
	HostedZoneID   string `env:"HOSTED_ZONE_ID"`
	AlarmEmail     string `env:"ALARM_EMAIL"`
	Repository     string `env:"REPOSITORY" envDefault:"unknown"`
	CommitAuthor   string `env:"COMMIT_AUTHOR" envDefault:"unknown"`
	CommitSHA      string `env:"COMMIT_SHA" envDefault:"unknown"`
	Endpoint       string `env:"AWS_ENDPOINT_URL"`
	AmazonLinux    string `env:"AMAZON_LINUX"`
	AccessLogs     string `env:"API_ACCESS_LOGS" envDefault:"off"`
	Boundary       string `env:"PERMISSIONS_BOUNDARY_ARN"`
	EngineVersion  string `env:"DB_ENGINE_VERSION"`
	ReadReplica    string `env:"RDS_READ_REPLICA"`
	BlueGreen      string `env:"RDS_BLUE_GREEN"`
	Protection     string `env:"DELETION_PROTECTION"`
	QuoteAgeAlarm  string `env:"QUOTE_AGE_ALARM" envDefault:"on"`
	QuoteSources   string `env:"QUOTE_SOURCES" envDefault:"ecb"`
	QuoteStreams   string `env:"QUOTE_STREAMS" envDefault:"none"`
	QuoteSecretARN string `env:"QUOTE_SOURCE_SECRET_ARN"`
	QuoteInterval  string `env:"QUOTE_INTERVAL" envDefault:"60s"`
	OIDCIssuer     string `env:"OIDC_ISSUER"`
	OIDCClientID   string `env:"OIDC_CLIENT_ID"`
	OIDCSecretARN  string `env:"OIDC_CLIENT_SECRET_ARN"`
	OIDCOwners     string `env:"OIDC_OWNERS"`
}

// Load reads a Config from environment variables and from RegionFile in root.
// Its error joins every problem found, one per line, each "path: got X, want Y".
func Load(environ map[string]string, root fs.FS) (Config, error) {
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: environ})
	if err != nil {
		return Config{}, err
	}
	if v, set := environ["ENVIRONMENT_SUFFIX"]; set && v == "" {
		s.Suffix = ""
	}
	s.CommitSHA, s.CommitAuthor, s.Repository = tagValue(s.CommitSHA), tagValue(s.CommitAuthor), tagValue(s.Repository)
	problems := templates(s)
	refused := len(problems)
	regionPath, err := overrideRegion(&s.Region, root)
	if err != nil {
		problems = append(problems, err)
	}

	profile, known := profiles[s.Profile]
	if !known {
		problems = append(problems, setting.Problem("PORTFOLIO_PROFILE", s.Profile, strings.Join(profileNames(), ", ")))
		profile = Standard // so that the rest can still be checked
	}
	c := Config{
		Names:       NewNames(s.Suffix),
		Region:      s.Region,
		State:       State{Bucket: s.StateBucket, Region: s.StateRegion},
		Release:     Release{Commit: s.CommitSHA, Profile: s.Profile, Author: s.CommitAuthor},
		Certificate: Certificate{ARN: s.CertificateARN, DomainName: s.DomainName, HostedZoneID: s.HostedZoneID},
		AlarmEmail:  s.AlarmEmail,
		Boundary:    s.Boundary,
		SignIn: setting.SignIn{Issuer: s.OIDCIssuer, ClientID: s.OIDCClientID, SecretARN: s.OIDCSecretARN,
			Owners: compact(s.OIDCOwners)},
		Emulator: emulator(s.Endpoint),
		Profile:  profile(),
	}
	c.State.Key = s.Suffix + "/" + c.Names.Stack + ".tfstate"
	c.FixedTags = map[string]string{"Project": Project, "Environment": s.Suffix, "ManagedBy": "cdktf"}
	c.Tags = maps.Clone(c.FixedTags)
	c.Tags["Repository"] = s.Repository
	c.Tags["CommitAuthor"] = s.CommitAuthor
	problems = append(problems, c.override(s)...)
	problems = append(problems, c.setQuotes(s)...)
	problems = append(problems, c.validate(regionPath, s.Endpoint)...)
	if len(problems) > 0 {
		return Config{}, errors.Join(oncePerSetting(problems, refused)...)
	}
	return c, nil
}

// templates returns a problem for each setting whose value Terraform would evaluate:
// settings are written to its configuration as they are.
func templates(settings any) []error {
	var problems []error
	values := reflect.ValueOf(settings)
	for i := range values.NumField() {
		name, value := values.Type().Field(i).Tag.Get("env"), values.Field(i).String()
		if strings.Contains(value, "${") || strings.Contains(value, "%{") {
			problems = append(problems, setting.Problem(name, value,
				"a value without ${ and %{, which Terraform would evaluate"))
		}
	}
	return problems
}

// oncePerSetting removes from problems those about a setting that is among the first
// n: a value that is refused as a template is not reported for its form as well.
func oncePerSetting(problems []error, n int) []error {
	once := problems[:n:n]
	for _, p := range problems[n:] {
		name, _, _ := strings.Cut(p.Error(), ":")
		if !slices.ContainsFunc(problems[:n],
			func(first error) bool { return strings.HasPrefix(first.Error(), name+":") }) {
			once = append(once, p)
		}
	}
	return once
}

const byteOrderMark = "\ufeff" // some editors begin a file with one

// overrideRegion replaces a region by the text of RegionFile if the file exists, and
// returns the name of the setting that was used.
func overrideRegion(region *string, root fs.FS) (name string, err error) {
	text, err := fs.ReadFile(root, RegionFile)
	switch {
	case err == nil:
		*region = strings.TrimSpace(strings.TrimPrefix(string(text), byteOrderMark))
		return RegionFile, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "AWS_REGION", fmt.Errorf("%s: %w", RegionFile, err)
	}
	for _, name := range []string{path.Dir(RegionFile), RegionFile} {
		link, err := fs.ReadLink(root, name)
		if _, missing := fs.Stat(root, name); err == nil && missing != nil {
			return "AWS_REGION", setting.Problem(name, "a link to "+link+", which does not exist",
				"a file with an AWS region in "+RegionFile+", or none")
		}
	}
	return "AWS_REGION", nil
}

// override applies the settings that change a single field of a profile.
func (c *Config) override(s settings) []error {
	var problems []error
	choose := func(name, value string, set func(bool)) {
		switch value {
		case "":
		case "on", "true":
			set(true)
		case "off", "false":
			set(false)
		default:
			problems = append(problems, setting.Problem(name, value, "on or off"))
		}
	}
	choose("API_ACCESS_LOGS", s.AccessLogs, func(on bool) { c.API.AccessLogs = on })
	choose("RDS_READ_REPLICA", s.ReadReplica, func(on bool) { c.Database.ReadReplica = on })
	choose("RDS_BLUE_GREEN", s.BlueGreen, func(on bool) { c.Database.BlueGreen = on })
	choose("DELETION_PROTECTION", s.Protection, func(on bool) {
		c.Database.DeletionProtection, c.Compute.DeletionProtection = on, on
	})
	choose("QUOTE_AGE_ALARM", s.QuoteAgeAlarm, func(on bool) { c.Monitoring.QuoteAgeAlarm = on })
	if s.EngineVersion != "" {
		c.Database.EngineVersion = s.EngineVersion
	}
	if s.AmazonLinux != "" {
		c.Compute.AmazonLinux = AmazonLinux(s.AmazonLinux)
	}
	return problems
}

// setQuotes applies the settings about sources of prices.
func (c *Config) setQuotes(s settings) []error {
	var problems []error
	parse := func(name, value string) []string {
		sources, ok := setting.ParseSources(value)
		if !ok {
			problems = append(problems, setting.Problem(name, value, setting.SourcesForm))
		}
		return sources
	}
	c.Quotes = Quotes{
		Sources: parse("QUOTE_SOURCES", s.QuoteSources), Streams: parse("QUOTE_STREAMS", s.QuoteStreams),
		SecretARN: s.QuoteSecretARN,
	}
	var err error
	c.Quotes.Interval, err = time.ParseDuration(s.QuoteInterval)
	if err != nil || c.Quotes.Interval < time.Second || c.Quotes.Interval > 24*time.Hour {
		problems = append(problems, setting.Problem("QUOTE_INTERVAL", s.QuoteInterval, "1s to 24h"))
	}
	return problems
}

// compact returns a JSON text on one line, as the service's environment needs it. Other
// text stays as it is, to be refused.
func compact(text string) string {
	var line bytes.Buffer
	if json.Compact(&line, []byte(text)) != nil {
		return text
	}
	return line.String()
}

var refusedInTags = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]`)

// tagValue turns text into a valid tag value, so that an author's name cannot stop a deploy:
// characters that AWS refuses become "_", and the text is cut at 256 characters.
func tagValue(text string) string {
	value := []rune(refusedInTags.ReplaceAllString(text, "_"))
	return string(value[:min(len(value), 256)])
}

// emulator returns the settings for an emulator's endpoint, "" for AWS.
func emulator(endpoint string) Emulator {
	if endpoint == "" {
		return Emulator{}
	}
	return Emulator{PathStyleS3: true, SkipCapacityWait: true, FunctionProxyAddress: endpoint}
}
