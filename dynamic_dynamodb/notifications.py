"""Changes and alarms in words, as SNS takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from dynamic_dynamodb.calculators import percent
from dynamic_dynamodb.model import Change, Dimension, Message, MessageType, Resource, Throughput, Usage, figure
from dynamic_dynamodb.options import ResourceOptions, ScalingOptions


def change_message(change: Change) -> Message:
    """What was done to one resource."""
    types = set()
    if change.has_increase:
        types.add(MessageType.SCALE_UP)
    if change.has_decrease:
        types.add(MessageType.SCALE_DOWN)
    lines = [f"The provisioned throughput of {change.resource.label} has been changed:", ""]
    for dimension in Dimension:
        before, after = change.before[dimension], change.after[dimension]
        if before == after:
            lines.append(f"{dimension.plural}: unchanged at {before}")
        else:
            direction = "up" if after > before else "down"
            lines.append(f"{dimension.plural}: {direction} from {before} to {after} ({change.reasons[dimension]})")
    directions = " and ".join(each.value.removeprefix("scale-") for each in MessageType if each in types)
    return Message(frozenset(types), _subject(f"Scaled {directions}: {change.resource.label}"), "\n".join(lines))


def needs_alarms(options: ResourceOptions, dimension: Dimension) -> bool:
    """Whether an alarm of this dimension can be sent to anybody."""
    scaling = options.scaling[dimension]
    high = scaling.upper_alarm_threshold and MessageType.HIGH_THROUGHPUT_ALARM in options.message_types
    low = scaling.lower_alarm_threshold and MessageType.LOW_THROUGHPUT_ALARM in options.message_types
    return bool(high or low)


def alarm_message(
    resource: Resource, throughput: Throughput, usage: Mapping[Dimension, Usage], options: ResourceOptions
) -> Message | None:
    """The alarm that holds now: the high one if any dimension calls for it, else the low one, else none."""

    def alarm(name: MessageType, words: str, holds: Callable[[Fraction, ScalingOptions], int]) -> Message | None:
        lines = []
        for dimension in Dimension:
            consumed_sum = usage[dimension].consumed
            if consumed_sum is None:
                continue
            consumed = consumed_sum / usage[dimension].seconds
            consumed_percent = percent(consumed, throughput[dimension])
            threshold = holds(consumed_percent, options.scaling[dimension])
            if threshold:
                lines.append(
                    f"{dimension.plural}: {figure(consumed_percent)}% consumed ({figure(consumed)} of "
                    f"{throughput[dimension]} provisioned units), {words} {threshold}%"
                )
        if not lines:
            return None
        title = name.value.replace("-", " ").capitalize()
        body = "\n".join([f"{title} for {resource.label}:", "", *lines])
        return Message(frozenset({name}), _subject(f"{title}: {resource.label}"), body)

    def too_high(consumed_percent: Fraction, scaling: ScalingOptions) -> int:
        threshold = scaling.upper_alarm_threshold
        return threshold if threshold and consumed_percent >= threshold else 0

    def too_low(consumed_percent: Fraction, scaling: ScalingOptions) -> int:
        return scaling.lower_alarm_threshold if consumed_percent < scaling.lower_alarm_threshold else 0

    return alarm(MessageType.HIGH_THROUGHPUT_ALARM, "at or above", too_high) or alarm(
        MessageType.LOW_THROUGHPUT_ALARM, "below", too_low
    )


def _subject(text: str) -> str:
    """SNS takes at most 100 characters of ASCII: a longer text loses its middle, so that both ends of a name stay."""
    text = text.encode("ascii", "replace").decode("ascii")
    if len(text) <= 100:
        return text
    return f"{text[:49]}...{text[-48:]}"
