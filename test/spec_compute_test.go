package test

// computeSpecification is the load balancer and the instances behind it.
var computeSpecification = []row{
	{"internet-facing load balancer", has("compute/load-balancer/alb", `{"name": "portfolio-alb-test", "internal": false,
		"load_balancer_type": "application", "subnets": ["${network/public-a.id}", "${network/public-b.id}"],
		"security_groups": ["${compute/load-balancer/security-group.id}"], "drop_invalid_header_fields": true,
		"desync_mitigation_mode": "defensive", "enable_deletion_protection": false, "idle_timeout": 60,
		"access_logs": {"bucket": "${database/logs/bucket.id}", "enabled": true, "prefix": "alb"}}`)},
	{"without a certificate 80 forwards", all(
		has("compute/load-balancer/http", `{"load_balancer_arn": "${compute/load-balancer/alb.arn}", "port": 80, "protocol": "HTTP",
			"default_action": [{"type": "forward", "target_group_arn": "${compute/load-balancer/targets.arn}"}]}`),
		counts(map[string]int{"aws_lb": 1, "aws_lb_listener": 1}), none("aws_acm_certificate", "aws_route53_record"))},
	{"target group", has("compute/load-balancer/targets", `{"name": "portfolio-tg-test", "port": 80, "protocol": "HTTP",
		"target_type": "instance", "vpc_id": "${network/vpc.id}", "deregistration_delay": "30",
		"health_check": {"enabled": true, "path": "/health", "protocol": "HTTP", "matcher": "200", "interval": 30, "timeout": 5,
			"healthy_threshold": 2, "unhealthy_threshold": 3},
		"stickiness.enabled": true, "stickiness.type": "lb_cookie"}`)},
	{"launch template", has("compute/launch-template", `{"name": "portfolio-lt-test", "instance_type": "t3.medium", "key_name": null,
		"vpc_security_group_ids": ["${compute/security-group.id}"],
		"iam_instance_profile": {"arn": "${compute/instance-profile.arn}"},
		"metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
		"block_device_mappings.0.ebs.encrypted": "true", "block_device_mappings.0.ebs.volume_type": "gp3"}`)},
	{"disk and metrics of instances", has("compute/launch-template", `{"block_device_mappings.0.ebs.volume_size": 20, "monitoring.enabled": true,
		"block_device_mappings.0.ebs.delete_on_termination": "true", "update_default_version": true}`)},
	{"a new binary is there before the old one goes", has("compute/service-binary", `{"bucket": "${compute/artifacts/bucket.id}",
		"source": "../../../build/backend/portfolio", "lifecycle.create_before_destroy": true}`)},
	{"another release or system gets a new image", has("compute/image", `{"triggers_replace": {"release": 1, "system": "al2"}}`)},
	{"Amazon Linux 2 by its public parameter", all(
		has("compute/newest-image", `{"name": "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"}`),
		has("compute/image", `{"input": {"id": "${one(compute/newest-image[*].insecure_value)}"}}`),
		has("compute/launch-template", `{"image_id": "${compute/image.output.id}"}`))},
	{"instance profile with Session Manager and the agent's policy", all(
		has("compute/instance-profile", `{"role": "${compute/instance-role.name}"}`),
		has("compute/session-manager",
			`{"role": "${compute/instance-role.name}", "policy_arn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}`),
		has("compute/cloudwatch-agent",
			`{"role": "${compute/instance-role.name}", "policy_arn": "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"}`))},
	{"the least rights on its own secrets and buckets", has("compute/instance-policy", `{"role": "${compute/instance-role.name}", "policy.Statement": [
		{"Sid": "ReadSecrets", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
			"Resource": ["${database/credentials/version.secret_id}", "${database/service-credentials/version.secret_id}", "${compute/signing-key/version.secret_id}"]},
		{"Sid": "HistoryObjects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "${database/history/bucket.arn}/*"},
		{"Sid": "HistoryBucket", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "${database/history/bucket.arn}"},
		{"Sid": "ReadArtifacts", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "${compute/artifacts/bucket.arn}/service/*"},
		{"Sid": "NoLogGroups", "Effect": "Deny", "Action": ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], "Resource": "*"}]}`)},
	{"user data starts the service", all(
		matches("compute/launch-template", "user_data", `(?m)^QUOTE_TTL='1m0s'$`),
		matches("compute/launch-template", "user_data", `(?m)^QUOTE_SOURCES='ecb'$`),
		matches("compute/launch-template", "user_data",
			`(?m)^\{"agent".*"/var/log/portfolio/portfolio\.log".*disk_used_percent.*mem_used_percent`),
		matches("compute/launch-template", "user_data", `(?m)^User=portfolio$`),
		matches("compute/launch-template", "user_data", `(?m)^Restart=always$`))},
	{"group of two to six in the private subnets", has("compute/instances", `{"name": "portfolio-asg-test", "min_size": 2, "max_size": 6,
		"desired_capacity": 2, "vpc_zone_identifier": ["${network/private-a.id}", "${network/private-b.id}"],
		"target_group_arns": ["${compute/load-balancer/targets.arn}"], "health_check_type": "ELB", "health_check_grace_period": 300,
		"launch_template": {"id": "${compute/launch-template.id}", "version": "${compute/launch-template.latest_version}"},
		"instance_refresh.strategy": "Rolling", "instance_refresh.preferences.min_healthy_percentage": 100,
		"instance_refresh.preferences.max_healthy_percentage": 150, "wait_for_elb_capacity": 2,
		"lifecycle": {"ignore_changes": ["desired_capacity"]}}`)},
	{"target tracking on CPU", has("compute/scale-by-cpu", `{"autoscaling_group_name": "${compute/instances.name}", "policy_type": "TargetTrackingScaling",
		"target_tracking_configuration": {"predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"}, "target_value": 60}}`)},
	{"target tracking on requests per target", has("compute/scale-by-requests", `{"autoscaling_group_name": "${compute/instances.name}",
		"policy_type": "TargetTrackingScaling",
		"target_tracking_configuration.predefined_metric_specification.predefined_metric_type": "ALBRequestCountPerTarget",
		"target_tracking_configuration.target_value": 1000}`)},
}

// apiSpecification is the WebSocket API and its function.
var apiSpecification = []row{
	{"WebSocket API", has("api/websocket", `{"name": "portfolio-ws-api-test", "protocol_type": "WEBSOCKET", "route_selection_expression": "$request.body.action"}`)},
	{"routes", all(apiRoute("connect"), apiRoute("disconnect"), apiRoute("default"),
		has("api/default", `{"route_response_selection_expression": "$default"}`),
		has("api/default-response", `{"route_id": "${api/default.id}", "route_response_key": "$default"}`),
		counts(map[string]int{"aws_apigatewayv2_route": 3}))},
	{"stage", has("api/stage", `{"api_id": "${api/websocket.id}", "name": "prod", "auto_deploy": true, "access_log_settings": null,
		"default_route_settings.throttling_rate_limit": 500, "default_route_settings.throttling_burst_limit": 1000,
		"default_route_settings.logging_level": "OFF"}`)},
	{"function", has("api/handler", `{"function_name": "portfolio-ws-handler-test", "runtime": "provided.al2023", "handler": "bootstrap",
		"memory_size": 256, "timeout": 30, "role": "${api/handler-role.arn}", "filename": "${api/handler-zip.output_path}",
		"environment.variables.ALB_DNS": "${compute/load-balancer/alb.dns_name}", "environment.variables.ALB_SCHEME": "http",
		"environment.variables.SIGNING_SECRET_ARN": "${compute/signing-key/version.secret_id}",
		"logging_config.log_format": "JSON", "logging_config.log_group": "${api/handler-log-group.name}", "tracing_config.mode": "Active"}`)},
	{"zip by DataArchiveFile", has("api/handler-zip", `{"type": "zip", "source_file": "../../../build/lambda/bootstrap"}`)},
	{"own log group with retention", has("api/handler-log-group", `{"name": "/aws/lambda/portfolio-ws-handler-test", "retention_in_days": 30}`)},
	{"permission scoped by source_arn", has("api/handler-permission", `{"action": "lambda:InvokeFunction", "principal": "apigateway.amazonaws.com",
		"function_name": "${api/handler.function_name}", "source_arn": "${api/websocket.execution_arn}/prod/*"}`)},
	{"execution role", has("api/handler-policy", `{"role": "${api/handler-role.name}", "policy.Statement": [
		{"Sid": "WriteLogs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "${api/handler-log-group.arn}:*"},
		{"Sid": "Trace", "Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
		{"Sid": "ReadSigningKey", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "${compute/signing-key/version.secret_id}"}]}`)},
	{"ManageConnections on this API's connections only", has("api/push-policy", `{"role": "${compute/instance-role.name}", "policy.Statement": [
		{"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": "${api/websocket.execution_arn}/prod/*/@connections/*"}]}`)},
}

func apiRoute(name string) check {
	return has("api/"+name, `{"api_id": "${api/websocket.id}", "route_key": "$`+name+`", "target": "integrations/${api/handler-integration.id}"}`)
}
