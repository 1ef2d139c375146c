variable "name" {
  type        = string
  default     = "tairssl"
  description = "Name of this deployment, with which all other names begin. Several live side by side."
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
  description = "Ids of the instances that may be changed. A prefix such as r-bp1* names many."
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
  description = "Stops every change. Set it where it stays, in a file of variables."
}

variable "secrets" {
  type        = bool
  default     = false
  description = "Whether the secrets NAME/function and NAME/webhooks are there in KMS."
}

variable "secrets_key_id" {
  type        = string
  default     = "none"
  description = "Id of the KMS key that encrypts them."
}

variable "qualifier" {
  type        = string
  default     = "LATEST"
  description = "What the triggers call: LATEST, or an alias that a rollback moves."
}

variable "service_linked_roles" {
  type        = bool
  default     = true
  description = "Whether to make the roles by which EventBridge delivers. An account has them once."
}

variable "action_policy_id" {
  type        = string
  default     = ""
  description = "Id of the action policy of Simple Log Service that says whom alerts are sent to. Empty for no alerts."
}

variable "alarm_days_to_expiry" {
  type        = number
  default     = 14
  description = "An alert if a certificate expires in fewer days."
}

variable "heartbeat_hours" {
  type        = number
  default     = 3
  description = "An alert if no sweep succeeded for so many hours."
}
