output "function_name" {
  description = "Try it: aws lambda invoke --function-name NAME:live."
  value       = aws_lambda_function.this["function"].function_name
}

output "webhook_endpoint" {
  description = "Put the routes after it, such as /slack or /alertmanager. Null without http."
  value       = one(aws_apigatewayv2_api.webhooks[*].api_endpoint)
}

output "queue_url" {
  description = "Send requests here to have them worked on one after the other."
  value       = aws_sqs_queue.requests.id
}

output "dead_letters_url" {
  description = "Messages of the queue that could not be worked on."
  value       = aws_sqs_queue.dead_letters.id
}

output "failed_invocations_url" {
  description = "Where events and asynchronous invocations end that failed to the last."
  value       = aws_sqs_queue.failed_invocations.id
}

output "alarm_topic_arn" {
  description = "Subscribe to it whoever is on call."
  value       = aws_sns_topic.alarms.arn
}

output "ram_role" {
  description = "The RAM role that the functions assume."
  value       = alicloud_ram_role.tairssl.role_name
}
