package plan

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Cost is the platform's monthly cost before and after, in USD. Resources that have no
// price in the table are named and not counted.
type Cost struct {
	Before, After *big.Rat
	Lines         []CostLine // resources whose cost changes
	Unknown       []string   // Markdown: what has no price here
	ByUsage       []string   // addresses
	Region        string     // of the plan, empty when it does not say
}

// CostLine is one resource, or Count equal ones with their type as the address.
type CostLine struct {
	Address       string
	kind          string
	Count         int64
	Before, After *big.Rat
}

// world is one side of the plan.
type world struct {
	after   bool
	changes []change
}

func (w world) side(c change) (side, bool) {
	switch {
	case w.after && c.verb == deleted, !w.after && c.verb == created, c.verb == read:
		return nil, false
	case w.after && c.verb != forgotten: // a forgotten resource still costs
		return c.will, c.after != nil
	}
	return c.was, c.before != nil
}

func costOf(changes []change, region string) Cost {
	cost := Cost{Before: new(big.Rat), After: new(big.Rat), Region: region}
	was, will := world{false, changes}, world{true, changes}
	for _, c := range changes {
		if c.verb == read || slices.Contains(prices.Free, c.kind) {
			continue
		}
		if slices.Contains(prices.ByUsage, c.kind) {
			cost.ByUsage = append(cost.ByUsage, c.address)
			continue
		}
		before, after := was.price(c), will.price(c)
		if c.keeps && before != nil && after != nil { // the old one still costs, in addition to the new one
			after = plus(before, after)
		} else if c.keeps {
			after = nil
		}
		if before == nil || after == nil {
			cost.Unknown = append(cost.Unknown,
				fmt.Sprintf("%s: %s before, %s after", code(c.address), usd(before), usd(after)))
		}
		cost.Before.Add(cost.Before, orZero(before))
		cost.After.Add(cost.After, orZero(after))
		if before != nil && after != nil && before.Cmp(after) != 0 {
			cost.Lines = append(cost.Lines, CostLine{c.address, c.kind, 1, before, after})
		}
	}
	cost.Lines = grouped(cost.Lines)
	slices.SortStableFunc(cost.Lines, func(a, b CostLine) int { return b.difference().Cmp(a.difference()) })
	return cost
}

// grouped merges the lines of equal resources: there are dozens of alarms.
func grouped(lines []CostLine) []CostLine {
	var list []CostLine
	for _, l := range lines {
		last := len(list) - 1
		if last < 0 || list[last].kind != l.kind || !list[last].isLike(l) {
			list = append(list, l)
			continue
		}
		list[last].Count++
	}
	for i, l := range list {
		if l.Count > 1 {
			list[i].Address = l.kind
			list[i].Before, list[i].After = times(whole(l.Count), l.Before), times(whole(l.Count), l.After)
		}
	}
	return list
}

// difference is the amount by which the cost changes, up or down.
func (l CostLine) difference() *big.Rat {
	difference := new(big.Rat).Sub(l.After, l.Before)
	return difference.Abs(difference)
}

func (l CostLine) isLike(other CostLine) bool {
	return l.Before.Cmp(other.Before) == 0 && l.After.Cmp(other.After) == 0
}

// orZero leaves an unknown amount out of a sum, which is then called a minimum.
func orZero(amount *big.Rat) *big.Rat {
	if amount == nil {
		return new(big.Rat)
	}
	return amount
}

// price is a resource's cost a month on one side; nil is unknown.
func (w world) price(c change) *big.Rat {
	s, there := w.side(c)
	if !there {
		return new(big.Rat)
	}
	switch c.kind {
	case "aws_db_instance":
		return databasePrice(s)
	case "aws_autoscaling_group":
		return w.groupPrice(s)
	case "aws_lb":
		return loadBalancerPrice(s)
	case "aws_elasticache_serverless_cache":
		return cachePrice(s)
	case "aws_vpc_endpoint":
		if s("vpc_endpoint_type").text() == "Gateway" {
			return new(big.Rat)
		}
		return nil
	case "aws_eip":
		return hourly(prices.PerHour, "publicIPv4")
	case "aws_nat_gateway":
		return hourly(prices.PerHour, c.kind)
	}
	if price, ok := prices.PerMonth[c.kind]; ok && strings.HasPrefix(c.kind, "aws_") {
		return price.Rat
	}
	return nil
}

func databasePrice(s side) *big.Rat {
	hours, perGB := prices.DatabaseHour, "rdsGp3GB"
	if s("multi_az").isTrue() {
		hours, perGB = prices.DatabaseHourMultiAZ, "rdsGp3GBMultiAZ"
	}
	instance := hourly(hours, s("instance_class").text())
	storage, ok := s("allocated_storage").number()
	if instance == nil || !ok || s("engine").text() != "postgres" ||
		s("storage_type").text() != "gp3" || s("multi_az").unknown {
		return nil
	}
	return plus(instance, times(prices.PerMonth[perGB].Rat, whole(storage)))
}

// loadBalancerPrice counts an address in each public subnet, as AWS does.
func loadBalancerPrice(s side) *big.Rat {
	if s("load_balancer_type").text() != "application" {
		return nil
	}
	price := hourly(prices.PerHour, "aws_lb")
	internal := s("internal")
	switch {
	case internal.isTrue():
		return price
	case internal.unknown:
		return nil
	}
	subnets := len(s("subnets").list())
	if s("subnets").unknown || subnets == 0 {
		subnets = 2 // the fewest that AWS accepts
	}
	return plus(price, times(whole(int64(subnets)), hourly(prices.PerHour, "publicIPv4")))
}

// cachePrice is the price of the least amount of data that AWS bills.
func cachePrice(s side) *big.Rat {
	minimum, ok := s("cache_usage_limits", 0, "data_storage", 0, "minimum").number()
	switch engine := s("engine").text(); {
	case ok && minimum > 0 && (engine == "valkey" || engine == "redis"):
		return times(whole(minimum), hourly(prices.PerHour, engine+"ServerlessGB"))
	case engine == "valkey":
		return times(big.NewRat(1, 10), hourly(prices.PerHour, "valkeyServerlessGB")) // 100 MB
	case engine == "redis":
		return hourly(prices.PerHour, "redisServerlessGB") // 1 GB
	}
	return nil
}

// groupPrice is the price of the desired number of instances with disk and monitoring,
// from the group's launch template.
func (w world) groupPrice(s side) *big.Rat {
	count, ok := s("desired_capacity").number()
	template := w.template(s)
	if !ok || template == nil || len(s("mixed_instances_policy").list()) > 0 {
		return nil
	}
	instance := hourly(prices.InstanceHour, template("instance_type").text())
	if instance == nil {
		return nil
	}
	sum := plus(instance)
	if template("monitoring", 0, "enabled").isTrue() {
		sum.Add(sum, prices.PerMonth["detailedMonitoring"].Rat)
	}
	for i := range template("block_device_mappings").list() {
		size, ok := template("block_device_mappings", i, "ebs", 0, "volume_size").number()
		if !ok || template("block_device_mappings", i, "ebs", 0, "volume_type").text() != "gp3" {
			return nil
		}
		sum.Add(sum, times(whole(size), prices.PerMonth["ebsGp3GB"].Rat))
	}
	return times(sum, whole(count))
}

// template finds a group's launch template by its ID or name. If both are unknown, it
// returns the plan's only template.
func (w world) template(group side) side {
	var found []side
	for _, c := range w.changes {
		s, there := w.side(c)
		if c.kind != "aws_launch_template" || !there {
			continue
		}
		id, name := group("launch_template", 0, "id").text(), group("launch_template", 0, "name").text()
		if id != "" && id == s("id").text() || name != "" && name == s("name").text() {
			return s
		}
		found = append(found, s)
	}
	if len(found) == 1 {
		return found[0]
	}
	return nil
}

func usd(amount *big.Rat) string {
	if amount == nil {
		return "unknown"
	}
	return amount.FloatString(2)
}

func (c Cost) markdown() string {
	least := ""
	if len(c.Unknown) > 0 {
		least = "at least "
	}
	change := "unchanged"
	if difference := new(big.Rat).Sub(c.After, c.Before); difference.Sign() > 0 {
		change = "+" + usd(difference)
	} else if difference.Sign() < 0 {
		change = usd(difference)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### Cost a month\n\n%s%s → %s%s USD (%s), without traffic and usage.\n", least, usd(c.Before),
		least, usd(c.After), change)
	c.table(&b)
	var unknown []string
	for _, text := range c.Unknown {
		unknown = append(unknown, fmt.Sprintf("- unknown, not counted: %s\n", text))
	}
	b.WriteString("\n")
	bounded(&b, unknown, maxSection)
	if n := len(c.ByUsage); n > 0 {
		fmt.Fprintf(&b, "- unknown, only by usage: %s, such as %s\n", counted(n, "resource"), code(c.ByUsage[0]))
	}
	fmt.Fprintf(&b, "- prices of %s, %s: %s\n", prices.Region, prices.Date, prices.Source)
	switch c.Region {
	case prices.Region:
	case "":
		b.WriteString("- the plan does not say its region; prices elsewhere differ\n")
	default:
		fmt.Fprintf(&b, "- **the plan is for %s, where prices differ**\n", code(c.Region))
	}
	return b.String()
}

func (c Cost) table(b *strings.Builder) {
	if len(c.Lines) > 0 {
		b.WriteString("\n| resource | before | after |\n|---|--:|--:|\n")
	}
	end := b.Len() + maxSection
	for i, l := range c.Lines {
		if b.Len() > end {
			fmt.Fprintf(b, "| and %d more | | |\n", len(c.Lines)-i)
			return
		}
		times := ""
		if l.Count > 1 {
			times = fmt.Sprintf("%d × ", l.Count)
		}
		fmt.Fprintf(b, "| %s%s | %s | %s |\n", times, strings.ReplaceAll(code(l.Address), "|", `\|`),
			usd(l.Before), usd(l.After))
	}
}
