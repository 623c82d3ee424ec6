package preflight

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answers has responses of AWS by action; the emulator answers the rest. A response
// that begins with "!" is an error of that code.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) bool {
	action := r.Header.Get("X-Amz-Target")
	inJSON := action != ""
	if !inJSON && r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		form, _ := url.ParseQuery(string(body))
		action = form.Get("Action")
	}
	_, action, _ = strings.Cut("."+action, ".")
	if i := strings.LastIndex(action, "."); i >= 0 {
		action = action[i+1:]
	}
	answer, mine := a[action]
	if !mine {
		return false
	}
	code, failed := strings.CutPrefix(answer, "!")
	switch {
	case inJSON && failed:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		answer = fmt.Sprintf(`{"__type":%q,"message":"no"}`, code)
	case inJSON:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	case failed && strings.HasPrefix(action, "DescribeDB") || failed && strings.HasPrefix(action, "DescribeOrderable"):
		w.WriteHeader(http.StatusBadRequest)
		answer = "<ErrorResponse><Error><Code>" + code + "</Code><Message>no</Message></Error></ErrorResponse>"
	case failed:
		w.WriteHeader(http.StatusBadRequest)
		answer = "<Response><Errors><Error><Code>" + code + "</Code><Message>no</Message></Error></Errors></Response>"
	}
	_, _ = io.WriteString(w, answer)
	return true
}

func orderable(rows ...string) string {
	text := "<R><DescribeOrderableDBInstanceOptionsResult><OrderableDBInstanceOptions>"
	for _, row := range rows {
		storage, multi, _ := strings.Cut(row, " ")
		text += "<OrderableDBInstanceOption><StorageType>" + storage + "</StorageType><MultiAZCapable>" + multi +
			"</MultiAZCapable></OrderableDBInstanceOption>"
	}
	return text + "</OrderableDBInstanceOptions></DescribeOrderableDBInstanceOptionsResult></R>"
}

func offered(zones ...string) string {
	text := "<R><instanceTypeOfferingSet>"
	for _, zone := range zones {
		text += "<item><instanceType>t3.medium</instanceType><location>" + zone + "</location></item>"
	}
	return text + "</instanceTypeOfferingSet></R>"
}

// The quota of vCPUs and t3.medium's two; the other quotas are large enough.
func vCPUQuota(value string) answers {
	return answers{
		"GetServiceQuota":       `{"Quota":{"Value":` + value + `}}`,
		"DescribeInstanceTypes": "<R><instanceTypeSet><item><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo></item></instanceTypeSet></R>",
	}
}

func TestOffers(t *testing.T) {
	c := newCloud(t)
	const (
		db       = "portfolio-holdings-db-pr7"
		image    = "note: image ami-gone of launch template portfolio-lt-pr7: got none that is available, want one, without which no instance can start; fix: increment imageRelease"
		noOffer  = "database in us-east-1: got no PostgreSQL 15.14 on db.t3.medium to order, want one; fix: set DB_ENGINE_VERSION to one of `aws rds describe-orderable-db-instance-options --engine postgres --db-instance-class db.t3.medium --region us-east-1"
		increase = "fix: `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value "
		vCPUs    = "quota of vCPUs of standard on-demand instances in us-east-1: got "
	)
	deployed := stateOf("aws_db_instance", map[string]any{"identifier": db, "engine_version": "15.14",
		"instance_class": "db.t3.medium"})
	started := stateOf("aws_launch_template", map[string]any{"name": "portfolio-lt-pr7", "image_id": "ami-gone"})
	running := func(kind, group string) string {
		return "<R><reservationSet><item><instancesSet><item><instanceType>" + kind + "</instanceType>" +
			"<cpuOptions><coreCount>2</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>" +
			"<tagSet><item><key>aws:autoscaling:groupName</key><value>" + group +
			"</value></item></tagSet></item></instancesSet></item></reservationSet></R>"
	}
	with := func(a answers, action, answer string) answers { a[action] = answer; return a }
	for name, tc := range map[string]struct {
		answers answers
		state   string
		want    []string
	}{
		"version withdrawn":           {answers{"DescribeOrderableDBInstanceOptions": orderable()}, "", []string{noOffer}},
		"version refused":             {answers{"DescribeOrderableDBInstanceOptions": "!InvalidParameterCombination"}, "", []string{noOffer}},
		"version of a database there": {answers{"DescribeOrderableDBInstanceOptions": orderable()}, deployed, []string{"note: " + noOffer}},
		"no gp3, or no Multi-AZ": {
			answers{"DescribeOrderableDBInstanceOptions": orderable("gp2 true", "gp3 false")}, "",
			[]string{"database in us-east-1: got PostgreSQL 15.14 on db.t3.medium without gp3 storage, want all of that"},
		},
		"all of it": {answers{"DescribeOrderableDBInstanceOptions": orderable("gp2 true", "gp3 true")}, "", nil},
		"offers refused": {
			answers{"DescribeOrderableDBInstanceOptions": "!AccessDenied",
				"DescribeInstanceTypeOfferings": "!UnauthorizedOperation", "GetProducts": "!AccessDeniedException"}, "",
			[]string{
				"note: could not check offer of the database: got AccessDenied (no), want an answer of RDS DescribeOrderableDBInstanceOptions; fix: allow these credentials to make that call",
				"note: could not check zones with t3.medium: got UnauthorizedOperation (no)",
				"note: could not check offer of ElastiCache Serverless: got AccessDeniedException (no), want an answer of Pricing GetProducts",
			},
		},
		"database upgraded by AWS": {
			answers{"DescribeDBInstances": "<R><DescribeDBInstancesResult><DBInstances><DBInstance><EngineVersion>15.16</EngineVersion></DBInstance></DBInstances></DescribeDBInstancesResult></R>"}, deployed,
			[]string{"version of database " + db + ": got DB_ENGINE_VERSION 15.14, want 15.16 or newer, because RDS refuses a downgrade; fix: set DB_ENGINE_VERSION=15.16"},
		},
		"type in one zone": {
			answers{"DescribeInstanceTypeOfferings": offered("us-east-1a", "us-east-1-bos-1a")}, "",
			[]string{"zones of us-east-1 with t3.medium: got us-east-1a, want at least 2; fix: choose another AWS_REGION"},
		},
		"type in no zone":      {answers{"DescribeInstanceTypeOfferings": offered()}, "", []string{"zones of us-east-1 with t3.medium: got none, want at least 2"}},
		"no serverless cache":  {answers{"GetProducts": `{"PriceList":[]}`}, "", []string{"ElastiCache Serverless in us-east-1: got no price, want a region that offers it; fix: choose another AWS_REGION"}},
		"a serverless cache":   {answers{"GetProducts": `{"PriceList":["{}"]}`}, "", nil},
		"image deregistered":   {nil, started, []string{image}},
		"image unknown":        {answers{"DescribeImages": "!InvalidAMIID.NotFound"}, started, []string{image}},
		"image there":          {answers{"DescribeImages": "<R><imagesSet><item><imageState>available</imageState></item></imagesSet></R>"}, started, nil},
		"vCPUs of new account": {vCPUQuota("5"), "", []string{vCPUs + "5 (Service Quotas), 0 of them used outside this environment, want 6 free for the 3 instances of a refresh, 12 at full load; " + increase + "12 "}},
		"vCPUs for a refresh":  {vCPUQuota("11"), "", []string{"note: " + vCPUs + "11 (Service Quotas), 0 of them used outside this environment, want 12 free for 6 instances at full load; " + increase + "12 "}},
		"vCPUs enough":         {vCPUQuota("12"), "", nil},
		"vCPUs used by others": {with(vCPUQuota("12"), "DescribeInstances", running("c5.xlarge", "another")), "", []string{"note: " + vCPUs + "12 (Service Quotas), 4 of them used outside this environment, want 12 free"}},
		"vCPUs of its own":     {with(vCPUQuota("12"), "DescribeInstances", running("t3.medium", "portfolio-asg-pr7")), "", nil},
		"vCPUs of other types": {with(vCPUQuota("12"), "DescribeInstances", running("inf1.xlarge", "another")), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.state != "" {
				defer c.put(t, stateKey, tc.state)()
			}
			report := c.answering(t, tc.answers.ServeHTTP).run(t, nil)
			expect(t, report, tc.want)
			faults := 0
			for _, line := range tc.want {
				if !strings.HasPrefix(line, "note: ") {
					faults++
				}
			}
			assert.Equal(t, faults, report.Faults())
		})
	}
}

func TestNewerVersion(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"15.16", "15.14", true}, {"15.9", "15.14", false}, {"15.14", "15.14", false},
		{"16.1", "15.14", true}, {"", "15.14", false}} {
		require.Equal(t, tc.want, newer(tc.a, tc.b), "newer(%q, %q)", tc.a, tc.b)
	}
}

func TestStandardInstances(t *testing.T) {
	for kind, want := range map[ec2types.InstanceType]bool{
		"t3.medium": true, "c7gn.large": true, "im4gn.large": true, "z1d.large": true,
		"inf1.xlarge": false, "dl1.24xlarge": false, "hpc7a.12xlarge": false, "g5.xlarge": false, "u-6tb1.metal": false, "": false,
	} {
		require.Equal(t, want, standard(kind), string(kind))
	}
}
