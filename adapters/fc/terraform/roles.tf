# One role for each function, with its rights on its own resources only.

resource "alicloud_ram_role" "function" {
  for_each    = local.functions
  role_name   = each.value.role
  description = each.value.description
  assume_role_policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["fc.aliyuncs.com"] } }]
  })
}

locals {
  instances = [for id in var.instance_ids : "acs:kvstore:*:*:instance/${id}"]
}

# The same as adapters/tair/policy.json.
resource "alicloud_ram_policy" "instances" {
  policy_name = "${var.name}-instances"
  policy_document = jsonencode({
    Version = "1"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = ["kvstore:DescribeInstances", "kvstore:DescribeInstanceAttribute", "kvstore:DescribeInstanceSSL", "kvstore:DescribeActiveOperationTasks"]
        Resource = "*"
      },
      {
        Effect    = "Allow"
        Action    = "kvstore:ModifyInstanceSSL"
        Resource  = local.instances
        Condition = { StringEquals = { "kvstore:SSLEnabled" = ["Update"] } }
      },
      {
        Effect   = "Allow"
        Action   = ["kvstore:TagResources", "kvstore:UntagResources"]
        Resource = local.instances
      },
      ],
      # Move the renewals that Alibaba itself has scheduled. RAM cannot limit this to instances.
      lookup(var.settings, "TAIRSSL_ALIBABA_RENEWAL", "leave") == "window" ? [{ Effect = "Allow", Action = "kvstore:ModifyActiveOperationTasks", Resource = "*" }] : [],
    )
  })
}

# The same as adapters/fc/ros.yaml.
resource "alicloud_ram_policy" "function" {
  for_each    = local.functions
  policy_name = "${var.name}-${each.key}"
  policy_document = jsonencode({
    Version = "1"
    Statement = concat([
      { Effect = "Allow", Action = "log:PostLogStoreLogs", Resource = "acs:log:*:*:project/${var.log_project}/logstore/${var.name}" },
      { Effect = "Allow", Action = "mns:SendMessage", Resource = "acs:mns:*:*:/queues/${var.name}-failed/messages" },
      { Effect = "Allow", Action = "kms:GetSecretValue", Resource = "acs:kms:*:*:secret/${var.name}/${each.key}" },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = "acs:kms:*:*:key/${var.secrets_key_id}" },
      ],
      # Hand over work that takes longer than chat waits.
      each.key == "webhooks" ? [{ Effect = "Allow", Action = "fc:InvokeFunction", Resource = "acs:fc:*:*:functions/${each.value.name}" }] : [],
    )
  })
}

resource "alicloud_ram_role_policy_attachment" "instances" {
  for_each    = local.functions
  role_name   = alicloud_ram_role.function[each.key].role_name
  policy_name = alicloud_ram_policy.instances.policy_name
  policy_type = "Custom"
}

resource "alicloud_ram_role_policy_attachment" "function" {
  for_each    = local.functions
  role_name   = alicloud_ram_role.function[each.key].role_name
  policy_name = alicloud_ram_policy.function[each.key].policy_name
  policy_type = "Custom"
}

# A person attaches this policy to both roles to stop every change at once. No apply
# removes it: README.md, Pause.
resource "alicloud_ram_policy" "pause" {
  policy_name = "${var.name}-pause"
  description = "Forbids every change to the roles that it is attached to."
  policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Deny", Action = ["kvstore:ModifyInstanceSSL", "kvstore:ModifyActiveOperationTasks", "kvstore:TagResources"], Resource = "*" }]
  })
}

# Simple Message Queue delivers the messages of the topic with this role.
resource "alicloud_ram_role" "topic" {
  role_name = "${var.name}-topic"
  assume_role_policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["mns.aliyuncs.com"] } }]
  })
}

resource "alicloud_ram_policy" "topic" {
  policy_name = "${var.name}-topic"
  policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Allow", Action = "fc:InvokeFunction", Resource = "acs:fc:*:*:functions/${var.name}" }]
  })
}

resource "alicloud_ram_role_policy_attachment" "topic" {
  role_name   = alicloud_ram_role.topic.role_name
  policy_name = alicloud_ram_policy.topic.policy_name
  policy_type = "Custom"
}

resource "alicloud_event_bridge_service_linked_role" "this" {
  for_each     = var.service_linked_roles ? toset(["AliyunServiceRoleForEventBridgeSendToFC", "AliyunServiceRoleForEventBridgeSourceMNS", "AliyunServiceRoleForEventBridgeSendToMNS"]) : []
  product_name = each.value
}
