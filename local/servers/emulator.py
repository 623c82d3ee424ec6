"""Starts the AWS emulator and adds calls that it lacks and the provider needs: metrics
collection and target groups of Auto Scaling groups, which are accepted but not stored, so
that the next plan shows enabled_metrics and target_group_arns again; scaling policies by
name; the zones that offer an instance type; the public parameters of images by path; gp3
as the storage of databases that can be ordered; DB instances by resource id, without
which the provider waits for the deletion of one for as long as there is another; automated
backups that are kept, and snapshots of serverless caches, of which there are none.

The RDS instance POSTGRES_INSTANCE reports POSTGRES_PORT, on which the only real PostgreSQL
listens, and the others PostgreSQL's usual port: with a port that the stack does not name,
every apply would change them. The emulator keeps idle connections for longer than its
clients do; repeats.py answers calls that they repeat. With AUTH=true it enforces IAM
policies; authorization.py completes their evaluation, sessions.py the sessions of roles,
and recording.py records what is evaluated."""

import os

import hypercorn.asyncio
import repeats
from ministack import app
from ministack.services import autoscaling, ec2, elasticache, rds, ssm

if os.environ["AUTH"] == "true":
    if os.environ["RECORDING"]:
        import recording  # noqa: F401 records what is evaluated
    import authorization  # noqa: F401 completes the evaluation of policies
    import sessions  # noqa: F401 completes sessions of roles

# Lambda functions inherit this environment, and the handler reads this variable too.
del os.environ["LOG_LEVEL"]

actions = autoscaling._ACTION_MAP


def answer(action):
    return lambda _: autoscaling._xml(200, action + "Response", f"<{action}Result></{action}Result>")


for name in (
    "EnableMetricsCollection",
    "DisableMetricsCollection",
    "AttachLoadBalancerTargetGroups",
    "DetachLoadBalancerTargetGroups",
    "DescribeLoadBalancerTargetGroups",
):
    actions.setdefault(name, answer(name))


def describe_policies(params):
    names = autoscaling._parse_member_list(params, "PolicyNames")
    everything = autoscaling._policies
    autoscaling._policies = {
        key: policy for key, policy in everything.items()
        if not names or policy["PolicyName"] in names
    }
    try:
        return everything_described(params)
    finally:
        autoscaling._policies = everything


everything_described = actions["DescribePolicies"]
actions["DescribePolicies"] = describe_policies


def by_resource_id(instances, filters):
    ids = filters.get("dbi-resource-id")
    found = by_other_filters(instances, filters)
    return [i for i in found if not ids or i.get("DbiResourceId") in ids]


by_other_filters = rds._apply_instance_filters
rds._apply_instance_filters = by_resource_id


def instance_xml(instance):
    real = instance["DBInstanceIdentifier"] == os.environ["POSTGRES_INSTANCE"]
    port = int(os.environ["POSTGRES_PORT"]) if real else 5432
    xml = any_instance_xml({**instance, "Endpoint": {**instance.get("Endpoint", {}), "Port": port}})
    logs = "".join(f"<member>{log}</member>" for log in instance.get("EnabledCloudwatchLogsExports", ()))
    kept = "".join(f"<{name}>{instance[name]}</{name}>" for name in FORGOTTEN if instance.get(name))
    exports = f"<EnabledCloudwatchLogsExports>{logs}</EnabledCloudwatchLogsExports>"
    return xml.replace("<EnabledCloudwatchLogsExports/>", exports + kept)


FORGOTTEN = ("DatabaseInsightsMode", "PerformanceInsightsKMSKeyId")


def remember(params):
    # What the emulator drops from calls that create or change an instance.
    instance = rds._instances[rds._p(params, "DBInstanceIdentifier")]
    for name in FORGOTTEN:
        instance[name] = rds._p(params, name) or instance.get(name)
    logs = {*instance.get("EnabledCloudwatchLogsExports", ())}
    for prefix in ("EnableCloudwatchLogsExports", "CloudwatchLogsExportConfiguration.EnableLogTypes"):
        logs.update(rds._parse_member_list(params, prefix))
    logs.difference_update(rds._parse_member_list(params, "CloudwatchLogsExportConfiguration.DisableLogTypes"))
    instance["EnabledCloudwatchLogsExports"] = sorted(logs)


def remembering(action):
    def call(params):
        answer = action(params)
        if answer[0] == 200:
            remember(params)
        return answer
    return call


for name in ("CreateDBInstance", "ModifyDBInstance"):
    rds._ACTION_MAP[name] = remembering(rds._ACTION_MAP[name])


any_instance_xml = rds._instance_xml
rds._instance_xml = instance_xml


def create_replica(params):
    # What the call sets is the replica's own. The emulator copies it from the source.
    answer = any_replica(params)
    if answer[0] == 200:
        replica = rds._instances[rds._p(params, "DBInstanceIdentifier")]
        replica.update({
            "DeletionProtection": False, "MultiAZ": False, "BackupRetentionPeriod": 0,
            "IAMDatabaseAuthenticationEnabled": False, "EnabledCloudwatchLogsExports": [], **dict.fromkeys(FORGOTTEN),
        })
        rds._ACTION_MAP["ModifyDBInstance"](params)
    return answer


def delete_instance(params):
    instance = rds._instances.get(rds._p(params, "DBInstanceIdentifier"), {})
    answer = any_deletion(params)
    kept = rds._p(params, "DeleteAutomatedBackups") == "false" and instance.get("BackupRetentionPeriod")
    if answer[0] == 200 and kept:
        retained.append(instance)
    return answer


def describe_automated_backups(_):
    items = "".join(
        f"<DBInstanceAutomatedBackup><DBInstanceIdentifier>{i['DBInstanceIdentifier']}</DBInstanceIdentifier>"
        "<Status>retained</Status><DBInstanceAutomatedBackupsArn>"
        f"{i['DBInstanceArn'].replace(':db:', ':auto-backup:ab-')}</DBInstanceAutomatedBackupsArn>"
        "</DBInstanceAutomatedBackup>"
        for i in retained
    )
    return rds._xml(200, "DescribeDBInstanceAutomatedBackupsResponse",
        "<DescribeDBInstanceAutomatedBackupsResult><DBInstanceAutomatedBackups>"
        f"{items}</DBInstanceAutomatedBackups></DescribeDBInstanceAutomatedBackupsResult>")


retained = []
any_deletion = rds._ACTION_MAP["DeleteDBInstance"]
rds._ACTION_MAP["DeleteDBInstance"] = delete_instance
rds._ACTION_MAP.setdefault("DescribeDBInstanceAutomatedBackups", describe_automated_backups)

any_replica = rds._ACTION_MAP["CreateDBInstanceReadReplica"]
rds._ACTION_MAP["CreateDBInstanceReadReplica"] = create_replica


async def cache_request(method, path, headers, body, query):
    if b"Action=DescribeServerlessCacheSnapshots&" in body:
        return elasticache._xml(200, "DescribeServerlessCacheSnapshotsResponse",
            "<DescribeServerlessCacheSnapshotsResult/>")
    return await any_cache_request(method, path, headers, body, query)


any_cache_request = elasticache.handle_request
elasticache.handle_request = cache_request


def parse_tag_specs(params, kind, resource_id):
    # The type of flow logs in tag specifications differs from what the emulator looks for.
    return parse_any_tag_specs(params, "vpc-flow-log" if kind == "flow-log" else kind, resource_id)


parse_any_tag_specs = ec2._parse_tag_specs
ec2._parse_tag_specs = parse_tag_specs


def describe_instance_type_offerings(params):
    types = ec2._parse_filters(params).get("instance-type", [])
    items = "".join(
        f"<item><instanceType>{type}</instanceType><locationType>availability-zone</locationType>"
        f"<location>{ec2.get_region()}{letter}</location></item>"
        for type in types for letter in "abc"
    )
    return ec2._xml(200, "DescribeInstanceTypeOfferingsResponse",
        f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>")


ec2._ACTION_MAP.setdefault("DescribeInstanceTypeOfferings", describe_instance_type_offerings)


def parameters_by_path(data):
    path = data.get("Path", "/").rstrip("/") + "/"
    public = [ssm._public_parameter(name) for name in ssm._PUBLIC_AMI_PARAMETERS if name.startswith(path)]
    if not public:
        return any_parameters_by_path(data)
    return ssm.json_response({"Parameters": [ssm._param_out(p, False) for p in public]})


any_parameters_by_path = ssm._get_parameters_by_path
ssm._get_parameters_by_path = parameters_by_path


def orderable_options(params):
    status, headers, body = options_with_gp2(params)
    return status, headers, body.replace(b"<StorageType>gp2</StorageType>", b"<StorageType>gp3</StorageType>")


options_with_gp2 = rds._ACTION_MAP["DescribeOrderableDBInstanceOptions"]
rds._ACTION_MAP["DescribeOrderableDBInstanceOptions"] = orderable_options


def serve(application, config):
    # A server must not close an idle connection before its client does: a request that
    # arrives at that moment is executed but its response is lost, so the SDK sends it
    # again, and what it created "already exists". Go's clients close theirs after 90 s.
    config.keep_alive_timeout = 600
    return hypercorn_serve(repeats.once(application), config)


hypercorn_serve = hypercorn.asyncio.serve
hypercorn.asyncio.serve = serve

app.main()
