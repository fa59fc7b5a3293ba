# What this computer is made of and what is installed: one JSON object a line, every value a string, UTF-8.
# Runs on PowerShell 2.0 (Windows 7) to 5.1; reads only; asks nobody on the network.
# Never Win32_Product (asking it repairs every MSI package); of a licence key only PartialProductKey, which is five characters.
$ErrorActionPreference = 'Stop'
$text = New-Object System.Text.StringBuilder

function Quote($value) {
    if ($value -eq $null) { return '""' }
    if ($value -is [array]) { $value = ($value | Select-Object -First 16) -join ',' }
    $s = [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{0}', $value)
    if ($s.Length -gt 400) { $s = $s.Substring(0, 400) }
    $out = New-Object System.Text.StringBuilder
    foreach ($c in $s.ToCharArray()) {
        $n = [int]$c
        if ($c -eq '"' -or $c -eq '\') { [void]$out.Append('\').Append($c) }
        elseif ($n -lt 32 -or ($n -ge 0xD800 -and $n -le 0xDFFF)) { [void]$out.Append(' ') }
        else { [void]$out.Append($c) }
    }
    return '"' + $out.ToString() + '"'
}

function Say($section, $names, $thing) {
    $parts = @('"section":' + (Quote $section))
    foreach ($name in $names) { $parts += (Quote $name) + ':' + (Quote $thing.$name) }
    [void]$text.Append('{').Append($parts -join ',').Append("}`n")
}

function Ask($section, $space, $query, $names, $most) {
    try {
        # Values as WMI keeps them: PowerShell's own InstalledOn fails on some dates and in some languages.
        Get-WmiObject -Namespace $space -Query $query | Select-Object -First $most | ForEach-Object {
            $thing = @{}
            foreach ($name in $names) {
                $property = $_.psbase.Properties[$name]
                if ($property) { $thing[$name] = $property.Value }
            }
            Say $section $names $thing
        }
    } catch { Say 'failed' @('of', 'why') @{ of = $section; why = $_.Exception.GetType().Name } }
}

$names = @('Caption', 'Version', 'OSArchitecture', 'InstallDate', 'OperatingSystemSKU', 'ProductType')
Ask 'os' 'root\cimv2' 'SELECT * FROM Win32_OperatingSystem' $names 1
Ask 'system' 'root\cimv2' 'SELECT * FROM Win32_ComputerSystem' @('Name', 'Manufacturer', 'Model', 'TotalPhysicalMemory') 1
Ask 'enclosure' 'root\cimv2' 'SELECT * FROM Win32_SystemEnclosure' @('ChassisTypes') 4
Ask 'bios' 'root\cimv2' 'SELECT * FROM Win32_BIOS' @('SerialNumber', 'ReleaseDate') 1
Ask 'processor' 'root\cimv2' 'SELECT * FROM Win32_Processor' @('Name', 'NumberOfCores') 8
Ask 'memory' 'root\cimv2' 'SELECT * FROM Win32_PhysicalMemory' @('Capacity', 'DeviceLocator', 'SMBIOSMemoryType', 'MemoryType') 64
Ask 'disk' 'root\cimv2' 'SELECT * FROM Win32_DiskDrive' @('Index', 'Model', 'SerialNumber', 'Size', 'InterfaceType', 'MediaType', 'PNPDeviceID') 64
if ([Environment]::OSVersion.Version -ge (New-Object Version 6, 2)) {
    Ask 'physical' 'root\Microsoft\Windows\Storage' 'SELECT * FROM MSFT_PhysicalDisk' @('DeviceId', 'MediaType', 'BusType', 'HealthStatus') 64
}
# Only administrators are answered, and drivers without it refuse: no judgement then, so a failure here is not told.
try {
    Get-WmiObject -Namespace 'root\wmi' -Class 'MSStorageDriver_FailurePredictStatus' | Select-Object -First 64 | ForEach-Object {
        Say 'predicted' @('InstanceName', 'PredictFailure') $_
    }
} catch { }

$products = "SELECT Name, Description, LicenseStatus, PartialProductKey FROM {0} WHERE PartialProductKey IS NOT NULL"
$names = @('Name', 'Description', 'LicenseStatus', 'PartialProductKey')
Ask 'licence' 'root\cimv2' ($products -f 'SoftwareLicensingProduct') $names 64
# Office 2010 and later on Windows 7 keeps its licences apart; elsewhere there is no such class.
try {
    if (Get-WmiObject -Namespace 'root\cimv2' -List -Class 'OfficeSoftwareProtectionProduct') {
        Ask 'licence' 'root\cimv2' ($products -f 'OfficeSoftwareProtectionProduct') $names 64
    }
} catch { }

Ask 'hotfix' 'root\cimv2' 'SELECT * FROM Win32_QuickFixEngineering' @('HotFixID', 'InstalledOn') 600

# Programs of the machine only: those of a user are seen while he is logged on and vanish with him.
$uninstall = 'Microsoft\Windows\CurrentVersion\Uninstall'
try {
    foreach ($place in @("HKLM:\SOFTWARE\$uninstall", "HKLM:\SOFTWARE\Wow6432Node\$uninstall")) {
        if (-not (Test-Path $place)) { continue }
        Get-ChildItem $place | Select-Object -First 3000 | ForEach-Object {
            $key = $_
            $hidden = $key.GetValue('SystemComponent') -eq 1 -or $key.GetValue('ParentKeyName') -or $key.GetValue('ReleaseType')
            if ($key.GetValue('DisplayName') -and -not $hidden) {
                $thing = @{}
                foreach ($name in @('DisplayName', 'DisplayVersion', 'Publisher')) { $thing[$name] = $key.GetValue($name) }
                Say 'program' @('DisplayName', 'DisplayVersion', 'Publisher') $thing
            }
        }
    }
} catch { Say 'failed' @('of', 'why') @{ of = 'program'; why = $_.Exception.GetType().Name } }

try {
    $key = Get-Item 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $restart = Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
    Say 'edition' @('EditionID', 'NeedsRestart') @{ EditionID = $key.GetValue('EditionID'); NeedsRestart = $restart }
} catch { Say 'failed' @('of', 'why') @{ of = 'edition'; why = $_.Exception.GetType().Name } }

Say 'end' @() @{}
# Straight to the stream: [Console]::OutputEncoding cannot be set where there is no console.
$bytes = [Text.Encoding]::UTF8.GetBytes($text.ToString())
$stream = [Console]::OpenStandardOutput()
$stream.Write($bytes, 0, $bytes.Length)
$stream.Flush()
