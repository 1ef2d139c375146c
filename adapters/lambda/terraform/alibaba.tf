# Alibaba's side: the trust and the rights of the RAM role.

locals {
  # The names of the roles are fixed, so the trust can list both exactly.
  role_names = {
    function = "${var.name}-${data.aws_region.current.region}"
    webhooks = "${var.name}-${data.aws_region.current.region}-webhooks"
  }
  instances    = [for id in var.instance_ids : "acs:kvstore:*:*:instance/${id}"]
  provider_arn = var.oidc_provider_arn != "" ? var.oidc_provider_arn : "acs:ram::${data.alicloud_account.current.id}:oidc-provider/${alicloud_ims_oidc_provider.aws[0].oidc_provider_name}"
}

data "alicloud_account" "current" {}

resource "alicloud_ims_oidc_provider" "aws" {
  count               = var.oidc_provider_arn == "" ? 1 : 0
  oidc_provider_name  = var.name
  description         = "Identity tokens of an AWS account"
  issuer_url          = var.issuer_url
  client_ids          = [var.oidc_audience]
  fingerprints        = var.fingerprints
  issuance_limit_time = 1
  lifecycle {
    precondition {
      condition     = length(var.fingerprints) > 0
      error_message = "Set fingerprints, or oidc_provider_arn."
    }
  }
}

resource "alicloud_ram_role" "tairssl" {
  role_name   = var.name
  description = "Renews TLS certificates of Tair instances, from AWS Lambda."
  assume_role_policy_document = jsonencode({
    Version = "1"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Federated = [local.provider_arn] }
      Condition = { StringEquals = {
        "oidc:iss" = var.issuer_url
        "oidc:aud" = var.oidc_audience
        "oidc:sub" = [for name in values(local.role_names) : "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/${name}"]
      } }
    }]
  })
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

resource "alicloud_ram_role_policy_attachment" "instances" {
  role_name   = alicloud_ram_role.tairssl.role_name
  policy_name = alicloud_ram_policy.instances.policy_name
  policy_type = "Custom"
}

# A person attaches this policy to the role to stop every change at once. No apply removes
# it: README.md, Pause. The same as adapters/tair/pause.json.
resource "alicloud_ram_policy" "pause" {
  policy_name = "${var.name}-pause"
  description = "Forbids every change to the roles that it is attached to."
  policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Deny", Action = ["kvstore:ModifyInstanceSSL", "kvstore:ModifyActiveOperationTasks", "kvstore:TagResources"], Resource = "*" }]
  })
}
