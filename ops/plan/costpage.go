package plan

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// Environment is a synthesized stack, a cdk.tf.json, under the name of its profile.
type Environment struct {
	Profile string
	Stack   []byte
}

// emptyStack, which costs nothing, is what an environment is compared with.
var emptyStack = []byte(`{"terraform": {}, "resource": {}}`)

// CostPage writes a Markdown page of what each environment costs, resource by resource,
// without traffic and usage. Resources without a price are named and left out of the
// sums.
func CostPage(environments []Environment) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `# Cost

What each profile costs a month of %[1]s hours as it is deployed, without traffic, usage and taxes. Made by
`+"`make docs`"+` from what is synthesized and from `+"`ops/plan/prices.json`"+`: %[2]s, %[3]s;
%[4]s.
`, prices.HoursPerMonth.FloatString(0), prices.Region, prices.Date, prices.Source)
	for _, e := range environments {
		card, err := Compare(emptyStack, e.Stack)
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.Profile, err)
		}
		card.Cost.page(&b, e.Profile)
	}
	return b.String(), nil
}

func (c Cost) page(b *strings.Builder, title string) {
	least := ""
	if len(c.Unknown) > 0 {
		least = "at least "
	}
	hour := new(big.Rat).Quo(c.After, prices.HoursPerMonth.Rat)
	fmt.Fprintf(b, "\n## %s\n\n%s%s USD a month, %s an hour.\n\n| resource | number | USD a month |\n|---|--:|--:|\n",
		title, least, usd(c.After), usd(hour))
	lines := slices.Clone(c.Lines)
	slices.SortStableFunc(lines, func(a, b CostLine) int { return b.After.Cmp(a.After) })
	for _, l := range lines {
		fmt.Fprintf(b, "| `%s` | %d | %s |\n", l.Address, l.Count, usd(l.After))
	}
	fmt.Fprintf(b, "\nUnknown, because it depends only on usage: %s.\n", byKind(c.ByUsage))
	for _, text := range c.Unknown {
		address, _, _ := strings.Cut(text, ": ")
		fmt.Fprintf(b, "\nUnknown, not counted: %s.\n", address)
	}
}

// byKind counts addresses by their type: "`aws_s3_bucket` (3)".
func byKind(addresses []string) string {
	counts := map[string]int{}
	for _, address := range addresses {
		kind, _, _ := strings.Cut(address, ".")
		counts[kind]++
	}
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("`%s` (%d)", kind, counts[kind]))
	}
	return strings.Join(list, ", ")
}
