# One role for each function, with its rights on its own resources only.

resource "aws_iam_role" "this" {
  for_each = local.functions
  name     = local.role_names[each.key]
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions
  name     = "tairssl"
  role     = aws_iam_role.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      { Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${aws_cloudwatch_log_group.this[each.key].arn}:*" },
      { Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.failed_invocations.arn },
      # An identity token for Alibaba Cloud, and for no other audience.
      {
        Effect = "Allow", Action = "sts:GetWebIdentityToken", Resource = "*"
        Condition = {
          "ForAllValues:StringEquals"     = { "sts:IdentityTokenAudience" = [var.oidc_audience] }
          "Null"                          = { "sts:IdentityTokenAudience" = "false" }
          "NumericLessThanEqualsIfExists" = { "sts:DurationSeconds" = 900 }
          "StringEquals"                  = { "sts:SigningAlgorithm" = "RS256" }
        }
      },
      ],
      # The ARN of a secret ends with its name and six random characters.
      each.value.secret == "" ? [] : [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = "${local.arn}:secretsmanager:${local.region}:${local.account}:secret:${each.value.secret}-??????" }],
      each.key == "function" ? [{ Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = aws_sqs_queue.requests.arn }] : [],
      # Hand over work that takes longer than chat waits. The name and not a reference, because the function refers to this role.
      each.key == "webhooks" ? [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "${local.arn}:lambda:${local.region}:${local.account}:function:${each.value.name}:live" }] : [],
    )
  })
}

resource "aws_iam_role" "sweep" {
  name = "${var.name}-${local.region}-sweep"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "sweep" {
  name = "sweep"
  role = aws_iam_role.sweep.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_alias.this["function"].arn },
      { Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.failed_invocations.arn },
    ]
  })
}
