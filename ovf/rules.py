"""Every judgement the library can pass: stable code, severity, clause and remedy.

Codes never change their meaning. ``E`` refuses the package, ``W`` warns, ``S`` warns and refuses in strict
mode. Clauses are those of DSP0243 2.1 unless another document is named.
"""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """What a finding means for the package."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """One line of the catalogue."""

    code: str
    kind: str
    clause: str
    meaning: str
    remedy: str

    def severity(self, *, strict: bool = False) -> Severity:
        """How much a breach weighs."""
        return Severity.ERROR if self.kind == "E" or (strict and self.kind == "S") else Severity.WARNING


_TABLE = """
content.missing | E | 7.2 | the envelope holds no VirtualSystem or VirtualSystemCollection | add the system the package is about
content.multiple | E | 7.2 | the envelope holds more than one content element | put them into one VirtualSystemCollection
content.id-missing | S | 7.2 | a system or collection has no ovf:id | give it an id; an invented one is used
content.id-duplicate | E | 7.2 | two systems or collections have the same id | give each its own id; start-up and environment refer to them
content.too-deep | E | 7.2 | collections are nested deeper than is reasonable | flatten the package
section.misplaced | E | 7.2, table of clause 9 | a section stands where the standard allows none | move the section to an element that may hold it
section.repeated | E | clause 9 | a section that may occur once occurs again | merge the two sections
section.repeated-harmless | S | clause 9 | a section that may occur once occurs again | merge the two sections; they are read as one
section.unknown-required | E | 7.3 | a section that must be understood is unknown | set ovf:required="false" if it can be skipped
section.unknown-kept | W | 7.3 | an unknown section is skipped and kept for export | nothing to do
section.version | S | clause 9 | a section of OVF 2 stands in a version 1 envelope | declare the version 2 envelope
element.unknown-required | E | 7.3 | an element that must be understood is unknown | set ovf:required="false" if it can be skipped
element.unexpected | S | 7.3 | an element of OVF stands where the schema has none | remove it; it is kept but has no effect
element.repeated | S | DSP8023 | an element that may occur once occurs again | remove one; the first is used
attribute.unqualified | S | DSP8023 | an attribute lacks its namespace prefix | write it with the prefix of the envelope's namespace
info.missing | S | clause 7 | a section or system has no Info | add an Info element
references.missing | S | 7.1 | the envelope has no References | add the element, even if empty
value.boolean | E | DSP8023 | a value is neither true nor false | write true or false
value.boolean-spelling | S | DSP8023 | a truth value is spelt in an unusual way | write true or false in lower case
value.number | E | DSP8023 | a value is not a whole number in its range | correct the number
value.number-harmless | S | DSP8023 | a descriptive value is not a whole number in its range | correct the number; it is ignored
value.unlimited | S | 8.3 | -1 is used to say 'without limit' | leave the element out; it is read so
file.id-missing | E | 7.1 | a file has no id | give it an id
file.id-duplicate | E | 7.1 | two files have the same id | give each file its own id
file.href-missing | E | 7.1 | a file has no href | name the file
file.href-unsafe | E | 7.1 | a file reference leaves the package | use a relative path inside the package
file.href-remote | W | 7.1 | a file lies on another host | it is fetched only from hosts the operator allows
file.href-duplicate | S | 7.1 | two files have the same href | refer to one File from both places
file.size-impossible | E | 7.1 | a size is beyond any real disk | correct the size
file.compression-unknown | E | 7.1 | the compression is neither gzip nor identity | compress with gzip or not at all
file.chunks-too-many | E | 7.1 | a file is cut into too many chunks | use larger chunks
file.encrypted | E | 9.16 | parts of the package are encrypted | decrypt the package first; keys are not handled here
file.bundle-unknown | W | 10.2 | a message bundle refers to a file that is not listed | add the file; inline texts are used
disk.id-missing | E | 9.1 | a disk has no diskId | give it an id
disk.id-duplicate | E | 9.1 | two disks have the same id | give each disk its own id
disk.capacity-missing | E | 9.1 | a disk has no capacity | state the capacity
disk.capacity-malformed | E | 9.1 | a capacity is neither a whole number nor ${property} | correct the capacity
disk.capacity-suffix | S | 9.1 | a capacity carries its unit | use ovf:capacityAllocationUnits
disk.capacity-zero | W | 9.1 | a disk has no room at all | check the capacity
disk.capacity-impossible | E | 9.1 | a capacity is beyond any real disk | correct the capacity or its unit
disk.capacity-property-unknown | E | 9.1 | a capacity refers to a property that does not exist | add the property
disk.capacity-property-value | E | 9.1 | the property behind a capacity has no usable number as default | give it a whole number
disk.file-ref-unknown | E | 9.1 | a disk refers to a file that is not listed | add the file to References
disk.parent-unknown | E | 9.1 | a disk refers to a parent disk that does not exist | add the parent disk
disk.parent-cycle | E | 9.1 | disks are their own parents in a circle | break the circle
disk.parent-capacity | E | 9.1 | a disk and its parent differ in capacity | give the whole chain one capacity
disk.populated-impossible | E | 9.1 | a populated size is beyond any real disk | correct the size
disk.populated-larger | W | 9.1 | a populated size exceeds the capacity | check both sizes
disk.format-missing | S | 9.1 | a disk with a file names no format | name the format; the content decides
disk.unused | W | 9.1 | no system uses this disk | remove it or attach it
disk.shared-implicitly | W | 9.13 | one disk is attached more than once | use a SharedDiskSection; each system gets a copy
unit.malformed | E | DSP0004, Annex C | a unit of measure cannot be understood | write for example byte * 2^20 or hertz * 10^6
unit.spelling | S | DSP0004, Annex C | a unit of measure is spelt in an old way | write for example byte * 2^20
unit.kind | E | DSP0004, Annex C | a unit of measure does not fit what is measured | measure memory and disks in bytes, processors in hertz
network.name-missing | E | 9.2 | a network has no name | name it
network.duplicate | S | 9.2 | two networks have the same name | remove one; they are read as one
network.undeclared | S | 9.2 | a port connects to a network that is not declared | declare the network; it is created
hardware.missing | W | 8.1 | a system has no virtual hardware | add a VirtualHardwareSection; the deployer must choose everything
hardware.type-missing | W | 8.1 | a hardware section names no VirtualSystemType | name the family, for example vmx-13
item.id-missing | S | 8.3 | a device has no InstanceID | number it; an invented number is used
item.id-duplicate | E | 8.3 | two devices have the same InstanceID | give each device its own InstanceID
item.name-missing | S | 8.3 | a device has no ElementName | name it; an invented name is used
item.type-missing | E | 8.3 | a required device has no ResourceType | state the ResourceType
item.type-missing-optional | W | 8.3 | an optional device has no ResourceType | state the ResourceType; the device is left out
item.type-unknown | W | 8.3 | a ResourceType is not in the CIM list | check the number
item.parent-unknown | E | 8.3 | a device is attached to a controller that does not exist | correct Parent or add the controller
item.parent-unknown-optional | W | 8.3 | an optional device is attached to a controller that does not exist | correct Parent; the device is left out
item.parent-zero | W | 8.3 | Parent is 0 and no device has this number | leave Parent out; the device stands alone
item.parent-cycle | E | 8.3 | devices are each other's parents in a circle | correct Parent
item.address-taken | W | 8.3 | two devices have the same address on one controller | change AddressOnParent; the next free one is used
item.host-resource-malformed | E | 8.3 | a drive refers to something that is neither a disk nor a file of the package | write ovf:/disk/ID or ovf:/file/ID
item.host-resource-odd | S | 8.3 | a reference to a disk or file is spelt in an old way | write ovf:/disk/ID or ovf:/file/ID
item.host-resource-foreign | W | 8.3 | an optional device names a resource of its former host | it is ignored
item.host-resource-disk | E | 8.3 | a device refers to a disk that does not exist | add the disk or correct the reference
item.host-resource-file | E | 8.3 | a device refers to a file that does not exist | add the file or correct the reference
item.disk-empty | W | 8.3 | a disk drive refers to no disk | add HostResource; the drive is left out
item.quantity-missing | E | 8.3 | memory is required but its amount is missing | state VirtualQuantity
item.quantity-assumed | W | 8.3 | a processor has no count | state VirtualQuantity; one is assumed
item.quantity-zero | E | 8.3 | a required amount is zero | state at least one
item.quantity-impossible | E | 8.3 | an amount is beyond any real machine | correct VirtualQuantity or its unit
item.memory-unit | W | 8.3 | memory is tiny and has no unit | write byte * 2^20; megabytes are assumed
item.reservation | E | 8.3 | a reservation exceeds its limit | correct one of them
item.bound-unknown | E | 8.4 | a bound is none of min, max, normal | correct ovf:bound
item.bound-order | E | 8.4 | a value lies outside its range, or the range is empty | order min, normal and max
item.configuration-unknown | E | 9.8 | a device names a configuration that does not exist | declare the configuration or correct the name
item.legacy | S | 8.3 | a device uses an element of OVF 0.9 | use the element of OVF 1
item.config-filtered | W | 7.3 | a vendor's setting may change the host | only settings on the allow list reach a target
configuration.id-missing | E | 9.8 | a configuration has no id | give it an id
configuration.id-duplicate | E | 9.8 | two configurations have the same id | give each its own id
configuration.default-twice | E | 9.8 | more than one configuration is the default | mark one
configuration.text-missing | S | 9.8 | a configuration has no label or description | add both
configuration.none | W | 9.8 | the section declares no configuration | remove the section
product.duplicate | S | 9.5 | two products have the same class and instance | give each its own class or instance
product.icon-unknown | W | 9.5 | an icon refers to a file that is not listed | add the file to References
property.key-missing | E | 9.5.1 | a property has no key | name it
property.key-odd | S | 9.5.1 | a property's key contains a dot, a colon or a blank | use letters, digits, - and _
property.key-duplicate | E | 9.5.1 | two properties have the same full key | rename one
property.type-missing | S | 9.5.1 | a property has no type | state the type; string is assumed
property.type-unknown | S | 9.5.1, table of types | a property's type is not in the standard | use a type of the standard; the nearest one is assumed
property.qualifiers-malformed | E | 9.5.1, DSP0004 | qualifiers cannot be understood | write for example MinLen(1),MaxLen(8)
property.qualifiers-unknown | W | 9.5.1, DSP0004 | a qualifier is unknown | it is not checked
property.qualifiers-empty | E | 9.5.1, DSP0004 | no value can meet the qualifiers | correct the range
property.value-type | E | 9.5.1 | a property's value does not fit its type | correct the value
property.value-blanks | S | 9.5.1 | a property's value has blanks around it | remove them; they are ignored
property.value-qualifiers | E | 9.5.1 | a property's value is outside its qualifiers | correct the value or the qualifiers
property.value-missing | W | 9.5.1 | a property has no value and no user may give one | give a value or allow users to
property.configuration-unknown | E | 9.8 | a property names a configuration that does not exist | declare the configuration or correct the name
property.configuration-twice | S | 9.8 | a property has two values for one configuration | remove one; the first is used
property.password-inside | W | 9.5.1 | the descriptor contains a password | remove it; everyone with the package knows it
eula.empty | W | 9.6 | a licence has no text | add the text
startup.id-missing | E | 9.7 | an entry of the start-up list names nothing | add ovf:id
startup.order-missing | E | 9.7 | an entry of the start-up list has no order | add ovf:order
startup.unknown | S | 9.7 | an entry of the start-up list names no child of its collection | correct the id; the entry is ignored
startup.duplicate | S | 9.7 | a child is listed twice in the start-up list | remove one; the first is used
startup.action | S | 9.7 | a start or stop action is not in the standard | use powerOn, powerOff, guestShutdown or none
startup.zero-first | W | 9.7 | order 0 is used where 'first' seems to be meant | number from 1; it is read as outside the sequence
os.id-missing | S | 9.9 | the operating system has no CIM number | add ovf:id; vendor names decide
scale.count-missing | E | 9.14 | a scale-out section has no complete InstanceCount | give minimum, default and maximum
scale.count-order | E | 9.14 | minimum, default and maximum contradict each other | order them
scale.count-impossible | E | 9.14 | more copies are asked for than any deployment holds | lower the maximum
scale.unknown | E | 9.14 | a scale-out section names no child of its collection | correct ovf:id
scale.duplicate | E | 9.14 | one child has two scale-out sections | keep one
placement.id-missing | E | 9.15 | a placement group has no id | give it an id
placement.id-duplicate | E | 9.15 | two placement groups have the same id | give each its own id
placement.policy | E | 9.15 | a placement policy is neither affinity nor availability | correct ovf:policy
placement.unknown | E | 9.15 | a system joins a placement group that does not exist | declare the group
boot.unknown | W | 9.12 | the boot order names a device that does not exist | correct the number; the entry is ignored
environment.file-unknown | E | 9.11 | an environment file refers to a file that is not listed | add the file to References
environment.path-unsafe | E | 9.11 | an environment file's path leaves the environment | use a relative path without ..
message.unknown | W | 10 | a text's key has no translation | add it to the bundles; the inline text is used
service.copies | E | Claudia OVF extensions | the numbers of copies contradict each other or are malformed | order min, initial and max
service.number | E | Claudia OVF extensions | a number of a service section is malformed or out of range | correct the number
service.incomplete | W | Claudia OVF extensions | a service section lacks something its schema asks for | complete it
service.member-unknown | W | Claudia OVF extensions | a rule names a system that does not exist | correct the id
service.choice | W | Claudia OVF extensions | a word is not among those its schema lists | correct the word
package.descriptor-digest | E | 5.1 | the descriptor does not match the manifest | fetch the package again; somebody changed it
package.file-missing | E | 5.1 | a file of References is not in the package | add the file
package.file-absent | W | 5.1 | a file of References is not beside the descriptor | it is needed for deployment
package.file-digest | E | 5.1 | a file does not match the manifest | fetch the package again; somebody changed it
package.file-size | E | 7.1 | a file does not have the size it claims | fetch the package again or correct the size
package.manifest-extra | E | 5.1 | the manifest lists a file that is not in the package | add the file or drop the line
package.manifest-descriptor | W | 5.1 | the manifest does not list the descriptor | list it first; some tools refuse the package
package.manifest-uncovered | W | 5.1 | a file is not covered by the manifest | list it
package.manifest-malformed | E | 5.1 | the manifest cannot be understood | write lines like SHA256(name)= hex
package.manifest-weak | W | 5.1 | the manifest uses SHA-1 | use SHA-256 unless an old target needs SHA-1
package.unlisted | E | 5.3 | the archive holds a file that neither References nor the manifest names | remove it
package.order | W | 5.3 | the archive's members are not in the order of the standard | put the descriptor first, then manifest, certificate and files
package.name | S | 5.1 | manifest or certificate do not share the descriptor's name | rename them
package.unsigned | W | 5.1 | the package is not signed | ask the author to sign it
package.signature | E | 5.1 | the signature does not match the manifest | fetch the package again; somebody changed it
package.certificate | E | 5.1 | the certificate cannot be used | ask the author for a valid one
package.untrusted | W | 5.1 | the signer is not trusted | add the issuer to the trust store if you trust it
package.disk-format | E | 9.1 | a disk's content is not what the descriptor declares, or dangerous | export the disk again
package.disk-capacity | W | 9.1 | a disk's own size differs from the declared capacity | correct the capacity; the content decides
package.compression | E | 7.1 | a file's content does not match its declared compression | correct ovf:compression
package.chunk-missing | E | 7.1 | a chunk of a file is missing or has the wrong length | fetch the package again
schema.invalid | S | DSP8023 | the descriptor is not valid against the published schema | correct the element
schema.none | W | DSP8023 | no published schema exists for this version | nothing to do
"""

RULES = {rule.code: rule for rule in (Rule(*line.split(" | ")) for line in _TABLE.strip().splitlines())}
