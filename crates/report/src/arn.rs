//! What an execution's ARN tells.

/// The execution in AWS's console; nothing if the ARN is of another shape.
#[must_use]
pub fn console_link(execution: &str) -> Option<String> {
    let parts: Vec<_> = execution.split(':').collect();
    let ["arn", partition, "states", region, _, "execution", _, _] = parts.as_slice() else {
        return None;
    };
    let host = match *partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    Some(format!(
        "https://{region}.{host}/states/home?region={region}#/v2/executions/details/{execution}"
    ))
}

/// The workflow of an execution; nothing if the ARN is of another shape.
#[must_use]
pub fn state_machine(execution: &str) -> Option<String> {
    let (workflow, _) = execution.rsplit_once(':')?;
    let machine = workflow.replacen(":execution:", ":stateMachine:", 1);
    (machine != workflow).then_some(machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_leads_to_its_workflow_and_to_the_console() {
        let execution = "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-1";
        assert_eq!(
            state_machine(execution).as_deref(),
            Some("arn:aws:states:eu-west-1:123456789012:stateMachine:belay")
        );
        assert_eq!(
            console_link(execution).unwrap(),
            "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/\
             arn:aws:states:eu-west-1:123456789012:execution:belay:shop-1"
        );
        for wrong in ["", "x", "arn:aws:lambda:r:1:function:f"] {
            assert_eq!((state_machine(wrong), console_link(wrong)), (None, None), "{wrong}");
        }
    }
}
