variable "name" {
  type        = string
  default     = "tairssl"
  description = "Name of this deployment. All other names begin with it, so that one account can hold several deployments."
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "A name begins with a letter and has at most 31 small letters, digits and dashes."
  }
}

variable "zip" {
  type        = string
  description = "Path of tairssl-fc-x86_64.zip, from a release or from make package."
}

variable "instance_ids" {
  type        = list(string)
  description = "Ids of the instances that tairssl may change. A prefix such as r-bp1* stands for many."
  validation {
    condition     = length(var.instance_ids) > 0
    error_message = "Name the instances that may be changed."
  }
}

variable "log_project" {
  type        = string
  description = "Name of a new project of Simple Log Service. Project names are unique among all accounts."
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How many days logs are kept."
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

variable "secrets" {
  type        = bool
  default     = false
  description = "Whether the secrets NAME/function and NAME/webhooks exist in KMS."
}

variable "secrets_key_id" {
  type        = string
  default     = "none"
  description = "Id of the KMS key that encrypts them."
}

variable "qualifier" {
  type        = string
  default     = "LATEST"
  description = "The qualifier that the triggers call: LATEST, or an alias that a rollback moves."
}

variable "service_linked_roles" {
  type        = bool
  default     = true
  description = "Whether to create the service-linked roles with which EventBridge delivers. An account needs them once."
}

variable "action_policy_id" {
  type        = string
  default     = ""
  description = "Id of the action policy of Simple Log Service that sends the alerts. Empty for no alerts."
}

variable "alarm_days_to_expiry" {
  type        = number
  default     = 14
  description = "Alert if a certificate expires in fewer days."
}

variable "heartbeat_hours" {
  type        = number
  default     = 3
  description = "Alert if no sweep succeeded for this many hours."
}
