variable "name" {
  type        = string
  default     = "tairssl"
  description = "Name of this deployment. All other names begin with it, so that one account can hold several deployments."
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,39}$", var.name))
    error_message = "A name begins with a letter and has at most 40 letters, digits and dashes."
  }
}

variable "zip" {
  type        = string
  description = "Path of tairssl-lambda-arm64.zip, from a release or from make package."
}

variable "instance_ids" {
  type        = list(string)
  description = "Ids of the instances that tairssl may change. A prefix such as r-bp1* stands for many."
  validation {
    condition     = length(var.instance_ids) > 0
    error_message = "Name the instances that may be changed."
  }
}

variable "issuer_url" {
  type        = string
  description = "The issuer of this AWS account's identity tokens: aws iam get-outbound-web-identity-federation-info."
  validation {
    condition     = startswith(var.issuer_url, "https://")
    error_message = "The issuer is an https URL."
  }
}

variable "fingerprints" {
  type        = list(string)
  default     = []
  description = "SHA-1 fingerprints of the CA certificate of the issuer's server. Needed unless oidc_provider_arn is set."
}

variable "oidc_provider_arn" {
  type        = string
  default     = ""
  description = "ARN of an existing OIDC provider in RAM for this issuer. Empty to create one."
}

variable "oidc_audience" {
  type        = string
  default     = "sts.aliyuncs.com"
  description = "The client ID of that provider. The functions may ask for an identity token with this audience only."
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "Settings of both functions that are not secret, such as { TAIRSSL_REGION = \"cn-hangzhou,cn-beijing\", TAIRSSL_WINDOW = \"any\" }."
  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "TAIRSSL_")])
    error_message = "The name of every setting begins with TAIRSSL_."
  }
}

variable "pause" {
  type        = bool
  default     = false
  description = "Stops every change. Set it in a file of variables, so that it stays."
}

variable "function_secret" {
  type        = string
  default     = ""
  description = "Name of the secret in AWS Secrets Manager with the secret settings of the function for unattended work."
}

variable "webhooks_secret" {
  type        = string
  default     = ""
  description = "The same for the function for webhooks and chat."
}

variable "secrets_extension_arn" {
  type        = string
  default     = ""
  description = "ARN of the layer AWS-Parameters-and-Secrets-Lambda-Extension-Arm64 in this region. Needed with a secret."
}

variable "http" {
  type        = bool
  default     = false
  description = "Whether to make an HTTP API for webhooks and chat."
}

variable "webhook_reserved_concurrency" {
  type        = number
  default     = 5
  description = "The largest number of concurrent calls of webhooks and chat, if http is true. -1 for no limit."
}

variable "schedule" {
  type        = string
  default     = "rate(1 hour)"
  description = "When to sweep. An hourly sweep meets every maintenance window."
}

variable "custom_event_source" {
  type        = string
  default     = ""
  description = "Source of your own EventBridge events. Everyone who may send events with this source may request the actions in TAIRSSL_ACTIONS. Empty for none."
}

variable "queue_concurrency" {
  type        = number
  default     = 2
  description = "The largest number of batches of the queue that run at once."
}

variable "alarm_email" {
  type        = string
  default     = ""
  description = "Mail address for alarms. It gets a mail with a link to confirm."
}

variable "alarm_days_to_expiry" {
  type        = number
  default     = 14
  description = "Alarm if a certificate expires in fewer days."
}

variable "heartbeat_hours" {
  type        = number
  default     = 3
  description = "Alarm if no sweep succeeded for this many hours. It must be more than two intervals of the schedule."
  validation {
    condition     = var.heartbeat_hours >= 1 && var.heartbeat_hours <= 168
    error_message = "CloudWatch looks back 168 hours at most."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How many days logs are kept."
}
